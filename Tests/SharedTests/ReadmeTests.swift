import Foundation
import Shared
import Support
import Testing

@Suite struct ReadmeTests {
  @Test func theOptionTablesOfTheReadmeAreThoseOfTheSettings() throws {
    let readme = try ProjectFiles.text("README.md")
    let begin = try #require(readme.range(of: OptionTables.begin))
    let end = try #require(readme.range(of: OptionTables.end))
    let wanted = "\n" + OptionTables.markdown
    if readme[begin.upperBound..<end.lowerBound] == wanted { return }
    guard ProjectFiles.mayUpdate else {
      Issue.record(
        "README.md is stale; refresh it: SAELINE_UPDATE_README=1 swift test --filter ReadmeTests")
      return
    }
    try ProjectFiles.write(
      readme[..<begin.upperBound] + wanted + readme[end.lowerBound...], to: "README.md")
  }
}
