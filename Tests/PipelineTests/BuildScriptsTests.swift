import Foundation
import Shared
import Support
import Testing

/// A folder with the scripts of building, sources of three lines, and a toolchain that only takes notes.
private final class Checkout {
  let folder: String
  private let toolchain: String

  init() throws {
    folder = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path
      .appending("/checkout-" + UUID().uuidString)
    toolchain = folder + "/toolchain"
    for name in [".ci", "Sources/Shared", "toolchain"] {
      try System.createDirectories(folder + "/" + name)
    }
    for script in ["build", "place"] {
      try program(".ci/" + script, ProjectFiles.text(".ci/" + script))
    }
    try program(".ci/setup", "#!/bin/bash\necho setup >>notes\n")
    try program(
      "toolchain/swift",
      """
      #!/bin/bash
      echo "swift $*" >>notes
      echo Compiling
      mkdir -p .build/release
      echo "\\"$PWD/Sources\\"" >.build/release.yaml
      for name in pretokenize cache train; do cp /bin/true .build/release/saeline-$name; done
      """)
    try write("Package.swift", "// package\n")
    try write("Sources/Shared/One.swift", "// one\n")
  }

  deinit { try? System.removeTree(folder) }

  func write(_ name: String, _ text: String) throws {
    try AtomicFile.replace(folder + "/" + name, with: text)
  }

  func program(_ name: String, _ text: String) throws {
    try write(name, text)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: folder + "/" + name)
  }

  /// Builds and tells what was called meanwhile.
  func build(_ flags: String..., hasToolchain: Bool = true) throws -> ScriptResult {
    try System.remove(folder + "/notes")
    let path = (hasToolchain ? toolchain + ":" : "") + "/usr/bin:/bin"
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: folder + "/.ci/build")
    process.arguments = [".build/release"] + flags
    process.environment = ["PATH": path, "HOME": folder]
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let said = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let notes = (try? String(contentsOfFile: folder + "/notes", encoding: .utf8)) ?? ""
    return ScriptResult(
      code: process.terminationStatus, calls: notes.split(separator: "\n").map(String.init),
      output: String(decoding: text, as: UTF8.self), errors: String(decoding: said, as: UTF8.self))
  }
}

private struct ScriptResult: Equatable {
  let code: Int32
  let calls: [String]
  let output: String
  let errors: String

  static let nothing = ScriptResult(code: 0, calls: [], output: "", errors: "")
  static let built = ScriptResult(
    code: 0, calls: ["setup", "swift build"], output: "", errors: "Compiling\n")
}

@Suite struct BuildScriptsTests {
  @Test func whatIsBuiltIsNotBuiltAgain() throws {
    let checkout = try Checkout()
    #expect(try checkout.build() == .built)
    #expect(try checkout.build() == .nothing)
    try checkout.write("Sources/Shared/One.swift", "// one\n")
    #expect(try checkout.build() == .nothing, "a file of another time is no other file")
  }

  @Test func everyChangeIsBuilt() throws {
    let checkout = try Checkout()
    #expect(try checkout.build() == .built)
    try checkout.write("Sources/Shared/One.swift", "// another\n")
    #expect(try checkout.build() == .built)
    try checkout.write("Sources/Shared/Two.swift", "// two\n")
    #expect(try checkout.build() == .built)
    try System.remove(checkout.folder + "/Sources/Shared/Two.swift")
    #expect(try checkout.build() == .built)
    try System.rename(
      checkout.folder + "/Sources/Shared/One.swift", to: checkout.folder + "/Sources/Shared/A.swift"
    )
    #expect(try checkout.build() == .built)
    try checkout.write("Package.swift", "// other flags\n")
    #expect(try checkout.build() == .built)
    try checkout.write("Sources/Shared/shim.h", "// a header\n")
    #expect(try checkout.build() == .built)
    #expect(try checkout.build("-c", "release").calls == ["setup", "swift build -c release"])
    #expect(try checkout.build("-c", "release") == .nothing)
  }

  @Test func programsThatAreGoneOrAnotherBuildsAreBuilt() throws {
    let checkout = try Checkout()
    #expect(try checkout.build() == .built)
    try System.remove(checkout.folder + "/.build/release/saeline-cache")
    #expect(try checkout.build() == .built)
    try checkout.program(".build/release/saeline-train", "#!/bin/sh\n")
    #expect(try checkout.build() == .built)
    #expect(try checkout.build() == .nothing)
  }

  @Test func anotherToolchainBuilds() throws {
    let checkout = try Checkout()
    #expect(try checkout.build() == .built)
    let swift = try String(contentsOfFile: checkout.folder + "/toolchain/swift", encoding: .utf8)
    try checkout.program("toolchain/swift", swift + "\n# a later version\n")
    #expect(try checkout.build() == .built)
    #expect(try checkout.build() == .nothing)
    if System.exists("/usr/bin/swift") { return }
    #expect(try checkout.build(hasToolchain: false) == .nothing, "a node that only runs them")
  }

  @Test func aMovedCheckoutSaysMakeClean() throws {
    let checkout = try Checkout()
    #expect(try checkout.build() == .built)
    try checkout.write(".build/release.yaml", "  \"/somewhere/else/Sources\"\n")
    #expect(
      try checkout.build()
        == ScriptResult(
          code: 2, calls: [], output: "",
          errors: "error: .build was made in another folder, since this one was moved or copied; "
            + "run make clean, then the same again.\n"))
    if System.exists("/usr/bin/swift") { return }
    #expect(try checkout.build(hasToolchain: false) == .nothing)
  }
}
