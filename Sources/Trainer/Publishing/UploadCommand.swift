// saeline-train upload: finished SAEs to a repository of the Hub, with a model card. Comes in: a pipeline file or a
// folder, and where to. Leaves: files under a path an SAE, as `SAE.from_pretrained` takes them.

import Shared

enum UploadCommand {
  static let verb = Verb(
    "upload", "Upload a finished SAE to the Hugging Face Hub.",
    flags: [
      VerbFlag("--to", value: "OWNER/NAME[/PATH]", "The repository, and a folder in it."),
      VerbFlag("--revision", value: "BRANCH", "The branch, made where it is not there; else main."),
      VerbFlag("--private", "Make the repository private, if it is made."),
    ],
    input: .pipelineFileOrFolder)

  static func run(_ invocation: Invocation) throws {
    guard let to = invocation.options["--to"] else {
      throw CommandLineError.missingFlag("--to", verb: verb.name)
    }
    let target = try PublishingTarget(to, revision: invocation.options["--revision"])
    let saes = try saes(invocation, target)
    if invocation.isDryRun { return try printPlan(saes, target) }
    let publishing = try Publishing(
      saes, to: target.repository,
      visibility: invocation.options["--private"] == nil ? .everyone : .owner,
      mode: invocation.isQuiet ? .quiet : .automatic)
    let result = try publishing.run()
    print(invocation.isJSON ? result.json.canonical : result.page)
  }

  /// The SAEs that the command line names, and their paths.
  private static func saes(
    _ invocation: Invocation, _ target: PublishingTarget
  ) throws -> [PublishedSAE] {
    let file = HomeFolder.expanded(invocation.config)
    if System.isDirectory(file) {
      let folder = file.count > 1 && file.hasSuffix("/") ? String(file.dropLast()) : file
      let path = target.path ?? StageKey.plain(Report.runName(folder))
      return [try PublishedSAE(folder: folder, path: path)]
    }
    let path = target.path ?? StageKey.plain(invocation.pipeline.name)
    let verification: StageFolder.Verification = invocation.verifies ? .digests : .sizes
    guard !invocation.combinations.isEmpty else {
      let run = try Run(
        invocation.pipeline, through: HubInputs(invocation), verify: verification, mode: .quiet)
      try run.requireFinished()
      return [try PublishedSAE(folder: run.folder.path, path: path)]
    }
    let sweep = try Sweep(
      invocation.pipeline, combinations: invocation.combinations,
      through: HubInputs(invocation), verify: verification, mode: .quiet
    )
    let saes = try sweep.members.map { member in
      let choices = member.combination.choices.map { StageKey.plain("\($0.name)-\($0.text)") }
      guard try member.folder.manifest() != nil else {
        throw TrainedSAEError.notFinished(folder: member.folder.path)
      }
      return try PublishedSAE(
        folder: member.folder.path, path: "\(path)/\(choices.joined(separator: "_"))")
    }
    if let twice = saes.indices.first(where: { index in
      saes[..<index].contains { $0.path == saes[index].path }
    }) {
      throw PublishingError.twoOfOnePath(saes[twice].path)
    }
    return saes
  }

  private static func printPlan(_ saes: [PublishedSAE], _ target: PublishingTarget) throws {
    for sae in saes {
      let files = try sae.files()
      let byteCount = files.reduce(0) { $0 + $1.byteCount }
      print(
        "\(sae.folder) → \(target.repository.id)/\(sae.path): \(files.count) files, \(Readable.bytes(byteCount))"
      )
    }
  }
}
