// saeline-train stage: how far the runs of a pipeline file are. Comes in: a pipeline file. Leaves: on stdout how
// many are done, in training and missing, and a table of those that have begun.

import Shared

enum StageCommand {
  static func run(_ invocation: Invocation) {
    var folders: [StageFolder] = []
    StageReport.of(TrainSettings.sectionName) {
      folders = try runs(invocation)
      return [progress(folders, in: Store(invocation.pipeline))]
    }.print(asJSON: invocation.isJSON)
    let begun = folders.map(\.path).filter(RunStatus.isRun)
    if !invocation.isJSON, !begun.isEmpty { StatusCommand.show(begun.map { RunStatus.read($0) }) }
  }

  /// The folders of the runs of a pipeline file.
  private static func runs(_ invocation: Invocation) throws -> [StageFolder] {
    let door = HubInputs(invocation).cached
    if invocation.combinations.isEmpty {
      return [try Run(invocation.pipeline, through: door, mode: .quiet).folder]
    }
    return try Sweep(
      invocation.pipeline, combinations: invocation.combinations, through: door, mode: .quiet
    ).members.map(\.folder)
  }

  private static func progress(_ runs: [StageFolder], in store: Store) -> StageProgress {
    func manifest(_ run: StageFolder) -> String { run.path + "/" + Manifest.fileName }
    let open = runs.filter { !System.exists(manifest($0)) }
    return StageProgress(
      folder: "\(store.path)/\(Stage.runs.rawValue)", unit: "run", count: runs.count,
      done: runs.map(manifest).filter(System.exists),
      leases: open.map(Run.leasePath).filter(System.exists))
  }
}
