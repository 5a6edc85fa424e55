import Foundation
import Shared
import Support
import Testing

private let trainer = ProgramDescription(
  name: "saeline-train", summary: "Trains a sparse autoencoder on cached activations.",
  sections: ["train", "logger", "evaluate"],
  verbs: [
    Verb("report", "Write report.html of a finished run again."),
    Verb(
      "export", "Write the SAE elsewhere.", operands: ["FORMAT"],
      flags: [VerbFlag("--output", value: "FOLDER", "Where it's written.")], alias: "--export"),
  ],
  examples: [
    Example("run.json5", "activations to an SAE"),
    Example("run.json5 --set train.k=32", "another SAE"),
    Example("run.json5 --dry-run", "what that will take"),
  ], threads: \.train.threads)

@Suite struct HelpTests {
  private func help(_ words: String...) throws -> String {
    guard case .print(let text) = try Program.request(words, for: trainer) else { return "" }
    return text
  }

  private func isNarrow(_ text: String) -> Bool {
    text.split(separator: "\n").allSatisfy { $0.count <= 80 && $0.last != " " }
  }

  @Test(arguments: [
    ("help-train.txt", ["--help"]), ("help-all-train.txt", ["--help-all"]),
    ("help-cache-section.txt", ["help", "cache"]), ("help-k.txt", ["help", "k"]),
    ("manual-train.1", ["manual"]), ("completion-train.bash", ["completion", "bash"]),
    ("completion-train.zsh", ["completion", "zsh"]),
    ("completion-train.fish", ["completion", "fish"]),
  ])
  func helpIsTheTextOfTheFixture(_ name: String, _ words: [String]) throws {
    guard case .print(let text) = try Program.request(words, for: trainer) else { return }
    let path = "Tests/Fixtures/config/" + name
    if ProjectFiles.mayUpdate { try ProjectFiles.write(text, to: path) }
    #expect(try ProjectFiles.text(path) == text)
  }

  @Test func theFirstHelpIsOneScreen() throws {
    let text = try help("--help")
    #expect(isNarrow(text))
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 30)
    #expect(text.contains("\n  saeline-train run.json5 --dry-run "))
  }

  @Test func everythingElseIsAsNarrow() throws {
    #expect(isNarrow(try help("--help-all")))
    for table in Pipeline.tables {
      for row in table.rows {
        let name = table.name.isEmpty ? row.name : "\(table.name).\(row.name)"
        #expect(isNarrow(try help("help", name)), "\(name)")
      }
    }
  }

  @Test func anOptionIsToldWithAllThatIsKnownOfIt() throws {
    #expect(
      try help("help", "train.topk_threshold_lr") == """
        train.topk_threshold_lr

          Share of a batch's least kept latent in the running threshold (batchtopk).

          takes      number > 0
          default    0.01
          goes with  batchtopk and matryoshka_batchtopk
          spelling   SAELens's
          used by    saeline-train; another value runs the stage again
          in a file  train: { topk_threshold_lr: 0.01 }
          or         --set train.topk_threshold_lr=0.01

        """)
    let name = try help("help", "store_batch_size_prompts")
    #expect(name.hasPrefix("cache.model_batch_size\n"))
    #expect(name.contains("  also       store_batch_size_prompts\n"))
    #expect(try help("help", "p_start").contains("  spelling   dictionary_learning's\n"))
    #expect(try help("help", "name").contains("  used by    all three programs\n"))
    let twice = try help("help", "seed")
    for section in ["pretokenize", "cache", "train"] {
      #expect(twice.contains("--set \(section).seed=42\n"))
    }
  }

  @Test func whatIsRequiredIsMarked() throws {
    #expect(try help("help", "cache").contains("\n  model_name = none  (required)\n"))
    #expect(try help("help", "dataset_path").contains("pretokenize.dataset_path (required)\n"))
    #expect(
      try help("help", "train").contains(
        "\n  matryoshka_widths = []  (required with matryoshka_batchtopk)\n"))
    let required = try help("--help-all").split(separator: "\n").filter {
      $0.contains("(required")
    }
    #expect(required.count == 2)
  }

  @Test func valuesFlagsVerbsAndIdleOptionsHaveHelp() throws {
    #expect(
      try help("help", "matching_pursuit").hasPrefix(
        "matching_pursuit is a value of train.architecture.\nOptions that go with it: "
          + "residual_threshold, max_iterations,\nstop_on_duplicate_support.\n\n"
          + "train.architecture\n"))
    #expect(try help("help", "--quiet") == "  --quiet  Print no progress and no notes.\n")
    #expect(try help("help", "quiet") == help("help", "--quiet"))
    #expect(
      try help("help", "export") == """
        usage: saeline-train export FORMAT FILE [flags]

          Write the SAE elsewhere.

          Also --export.

          --output FOLDER  Where it's written.

        """)
    #expect(
      try help("help", "output") == """
          --output FOLDER  Where it's written.

          A flag of the verb export.

        """)
    #expect(
      try help("help", "log_activations_store_to_wandb") == """
        logger.log_activations_store_to_wandb (accepted, without effect)

          The cache is its own stage.

          takes     any value
          spelling  SAELens's

        """)
  }

  @Test func everyExceptionFromSAELensNamesIsASetting() throws {
    let fields = try ProjectFiles.text("Tests/Fixtures/config/saelens-6.54-fields.txt")
    let known = Set(fields.split(separator: "\n").map(String.init))
    for table in Pipeline.tables {
      let exceptions = OptionOrigin.exceptions.filter { $0.sections.contains(table.name) }
      for name in exceptions.flatMap(\.names) {
        #expect(table.rows.contains { $0.name == name }, "\(table.name).\(name)")
      }
      for row in table.rows {
        let isSAELens = OptionOrigin.of(row.name, in: table.name) == .saeLens
        if isSAELens { #expect(known.contains(row.name), "\(table.name).\(row.name)") }
      }
    }
  }

  @Test func bashCompletesVerbsFlagsSettingsAndTheirValues() throws {
    #expect(try completions("saeline-train re") == ["report"])
    #expect(try completions("saeline-train --dry").contains("--dry-run"))
    #expect(
      try completions("saeline-train run.json5 --set train.jumprelu_b")
        == ["train.jumprelu_bandwidth="])
    #expect(try completions("saeline-train --set train.architecture=top") == ["topk"])
    #expect(try completions("saeline-train run.json5 --set=train.resume=n").isEmpty)
    #expect(try completions("saeline-train completion ") == ["bash", "fish", "zsh"])
    #expect(try completions("saeline-train help train.lr_w") == ["train.lr_warm_up_steps"])
  }

  @Test(arguments: ["zsh", "fish"])
  func othersAcceptTheirScripts(_ shell: String) throws {
    let path = "/usr/bin/" + shell
    guard System.exists(path) else { return }
    let folder = try TemporaryFolder()
    let script = try folder.write(Array(try help("completion", shell).utf8), to: "script")
    #expect(try output(path, ["-n", script]) == "")
  }

  /// What bash offers at the end of a line.
  private func completions(_ line: String) throws -> [String] {
    let ask = """
      \(try help("completion", "bash"))
      compopt() { :; }
      COMP_LINE='\(line)' COMP_POINT=\(line.count)
      _saeline_train
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    return try output("/bin/bash", ["-c", ask]).split(separator: "\n").map(String.init).sorted()
  }

  private func output(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
