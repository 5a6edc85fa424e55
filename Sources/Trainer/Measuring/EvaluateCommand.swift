// saeline-train evaluate: the figures of any SAE. Comes in: a pipeline file, the folder of a run or of an SAE.
// Leaves: a table on stderr, and with --json SAELens's layout on stdout.

package import Shared

enum EvaluateCommand {
  private static let pipelineFlag = "--pipeline"

  static let verb = Verb(
    "evaluate", "Measure any SAE of SAELens or a peer.",
    flags: [
      VerbFlag(
        pipelineFlag, value: "FILE", "Model, text and hook point, where the folder is no run's.")
    ],
    input: .pipelineFileOrFolder)

  static func run(_ invocation: Invocation) throws {
    let (folder, pipeline) = try request(invocation)
    let measured = try Measuring(
      folder, pipeline, through: HubInputs(invocation),
      mode: invocation.isQuiet ? .quiet : .automatic
    ).run()
    if invocation.isJSON {
      print(measured.json.canonical)
    } else {
      print(measured.table.text())
    }
  }

  /// The SAE, and the pipeline that names what it is measured on.
  private static func request(_ invocation: Invocation) throws -> (String, Pipeline) {
    let given = HomeFolder.expanded(invocation.config)
    let file = invocation.options[pipelineFlag]
    if System.isDirectory(given) {
      let folder = given.count > 1 && given.hasSuffix("/") ? String(given.dropLast()) : given
      return (folder, try MeasuringRequest.pipeline(of: folder, file: file))
    }
    if file != nil { throw CommandLineError.unexpectedWord(pipelineFlag) }
    guard invocation.combinations.isEmpty else {
      throw SweepError.oneRunOnly(verb: verb.name, count: invocation.combinations.count)
    }
    let run = try Run(invocation.pipeline, through: HubInputs(invocation), mode: .quiet)
    try run.requireFinished()
    return (run.folder.path, invocation.pipeline)
  }
}

package enum MeasuringRequest {
  /// The pipeline for the SAE of a folder: that of `file`, or of the run whose folder it is.
  package static func pipeline(of folder: String, file: String?) throws -> Pipeline {
    if let file { return try PipelineFile.read(file).pipeline }
    let recorded = folder + "/pipeline.json"
    guard System.exists(recorded),
      let manifest = try StageFolder(path: folder, stage: .runs, fingerprint: nil).readManifest()
    else { throw MeasuringError.noPipeline(folder: folder) }
    var pipeline = try PipelineFile.read(recorded).pipeline
    // A run lies in the folder of its stage, in the store.
    let above = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    pipeline.store = above.isEmpty ? folder + "/../.." : above.joined(separator: "/")
    if let input = manifest.input {
      pipeline.chosenActivations = try Store(pipeline).find(
        stage: .activations, fingerprint: input)?.path
    }
    return pipeline
  }
}
