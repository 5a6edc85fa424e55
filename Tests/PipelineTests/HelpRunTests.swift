import Shared
import Support
import Testing

@Suite struct HelpRunTests {
  private func run(_ program: String, _ arguments: String...) throws -> ProgramResult {
    let folder = try TemporaryFolder()
    return try RunningProgram(program, arguments, in: folder.path).result()
  }

  @Test(arguments: Workplace.programs)
  func helpIsOneScreenOf80Columns(_ program: String) throws {
    let help = try run(program, "--help")
    #expect(help.code == 0 && help.errors.isEmpty)
    let lines = help.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 31 && lines.allSatisfy { $0.count <= 80 })
    #expect(lines.filter { $0.hasPrefix("  \(program) ") }.count == 3, "three examples")
  }

  @Test(arguments: Workplace.programs)
  func everyVerbHasHelp(_ program: String) throws {
    let help = try run(program, "--help").output
    let verbs = help.split(separator: "\n").drop { !$0.hasPrefix("verbs") }.dropFirst()
      .prefix { $0.hasPrefix("  ") }.compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(verbs.contains("help") && verbs.contains("completion"))
    for verb in verbs where try run(program, "help", verb).output.hasPrefix("usage: ") == false {
      Issue.record("\(verb) has no help")
    }
  }

  @Test(arguments: Workplace.programs)
  func pagesAndCompletionsAreOfTheProgram(_ program: String) throws {
    #expect(try run(program, "manual").output.hasPrefix(".TH "))
    for shell in Shell.names {
      #expect(try run(program, "completion", shell).output.contains(program))
    }
  }
}
