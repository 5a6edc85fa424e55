import Foundation
import Shared
import Support
import Testing

@Suite struct ReadmeTests {
  private static let pages = [
    "README.md", "docs/development.md", "docs/formats.md", "docs/options.md", "docs/saelens.md",
    "pipelines/demo/README.md",
  ]

  @Test func thePageOfOptionsIsThatOfTheSettings() throws {
    let path = "docs/options.md"
    if ProjectFiles.mayUpdate { try ProjectFiles.write(OptionTables.page, to: path) }
    let isCurrent = try ProjectFiles.text(path) == OptionTables.page
    #expect(
      isCurrent,
      "docs/options.md is stale: SAELINE_UPDATE_README=1 swift test --filter ReadmeTests")
  }

  @Test func thePipelineFileOfTheReadmeIsOne() throws {
    let parts = try ProjectFiles.text("README.md").components(separatedBy: "```")
    let blocks = parts.filter { $0.hasPrefix("json5\n") }.map { $0.dropFirst("json5\n".count) }
    #expect(blocks.count == 1)
    for section in ["pretokenize", "cache", "train"] {
      for block in blocks {
        let file = try PipelineFile(
          parsing: Array(block.utf8), path: "mine.json5", running: section)
        #expect(file.notes.isEmpty)
      }
    }
  }

  @Test(arguments: pages)
  func linksLeadToFilesAndHeadingsOfTheProject(_ page: String) throws {
    let folder = page.split(separator: "/").dropLast().joined(separator: "/")
    let text = try ProjectFiles.text(page)
    for match in text.matches(of: /\]\(([^)\s]+)\)/) where !match.1.hasPrefix("http") {
      let parts = match.1.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
      let path = folder.isEmpty ? String(parts[0]) : "\(folder)/\(parts[0])"
      let target = parts[0].isEmpty ? page : path
      #expect(System.exists(ProjectFiles.root + "/" + target), "\(page): \(match.1)")
      guard parts.count > 1 else { continue }
      let lines = try ProjectFiles.text(target).split(separator: "\n")
      let isThere = lines.contains { $0.hasPrefix("#") && anchor($0) == parts[1] }
      #expect(isThere, "\(page): \(match.1)")
    }
  }

  /// What a heading is called in a link, as GitHub makes it.
  private func anchor(_ heading: Substring) -> String {
    heading.drop { $0 == "#" || $0 == " " }.lowercased()
      .filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
      .replacingOccurrences(of: " ", with: "-")
  }
}
