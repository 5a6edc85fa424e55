// saeline-train dashboard: latents of a finished run as JSON for SAEDashboard and Neuronpedia. Comes in: a pipeline
// file or a run's folder, and latents. Leaves: one file of a batch, in the run's folder unless told otherwise.

import Shared

package enum DashboardCommand {
  static let verb = Verb(
    "dashboard", "Write latents as SAEDashboard and Neuronpedia take them.",
    flags: [
      VerbFlag("--latents", value: "LIST", "As 5, 1,5-9 or all; those in the report if not given."),
      VerbFlag("--output", value: "FILE", "The file; dashboard.json of the run if not given."),
    ],
    input: .pipelineFileOrFolder, isShown: false)

  private static let fileName = "dashboard.json"

  static func run(_ invocation: Invocation) throws {
    let given = HomeFolder.expanded(invocation.config)
    var folder = given.count > 1 && given.hasSuffix("/") ? String(given.dropLast()) : given
    if !System.isDirectory(given) {
      guard invocation.combinations.isEmpty else {
        throw SweepError.oneRunOnly(verb: verb.name, count: invocation.combinations.count)
      }
      let run = try Run(invocation.pipeline, through: HubInputs(invocation), mode: .quiet)
      try run.requireFinished()
      folder = run.folder.path
    }
    let path = try write(
      run: folder, latents: invocation.options["--latents"],
      output: invocation.options["--output"])
    print(invocation.isJSON ? JSON.object(["dashboard": .string(path)]).canonical : path)
  }

  /// Writes the batch of a run's folder, and returns the file.
  package static func write(run folder: String, latents: String?, output: String?) throws -> String
  {
    let dashboard = try Dashboard(run: folder)
    let chosen = try latents.map(dashboard.chosen) ?? dashboard.shown
    let path = output.map(HomeFolder.expanded) ?? folder + "/" + fileName
    let batch = try dashboard.batch(chosen, TrainedSAE.open(folder))
    try AtomicFile.replace(path, with: batch.canonical + "\n")
    return path
  }
}
