// Cached activations as a data set on the Hub, in SAELens's columns: Arrow files in `data/`,
// `cache_activations_runner_cfg.json` and a card. Comes in: a finished stage of one hook point. Leaves: a repository
// that `load_dataset` reads.

package import Shared

/// The upload that `cache.hf_repo_id` asks for.
package struct ActivationUpload: Sendable {
  private let pipeline: Pipeline
  private let upload: StageUpload

  private static let recordName = "cache_activations_runner_cfg.json"
  private static let split = "train"

  private var settings: CacheSettings { pipeline.cache }

  /// Asks the Hub for access; nil where no repository is set.
  package init?(
    _ pipeline: Pipeline, environment: [String: String] = HubEnvironment.variables,
    mode: Progress.Mode = .automatic, terminal: Terminal = .standardError
  ) throws {
    let settings = pipeline.cache
    guard let repository = try ActivationUpload.repository(settings) else { return nil }
    self.pipeline = pipeline
    upload = try StageUpload(
      repository, visibility: settings.hfIsPrivateRepo ? .owner : .everyone,
      environment: environment, mode: mode, terminal: terminal)
  }

  private static func repository(_ settings: CacheSettings) throws(HubError) -> HubRepository? {
    guard let id = settings.hfRepoID else { return nil }
    return try HubRepository(.dataset, id, revision: settings.hfRevision)
  }

  /// What will be sent of a stage with this bill; nil where no repository is set.
  package static func bill(
    _ settings: CacheSettings, _ bill: CacheBill,
    environment: [String: String] = HubEnvironment.variables
  ) throws -> UploadBill? {
    try repository(settings).map { repository in
      // Numbers are sent as F32, or F16 where they are; with each row its token's id.
      let numberByteCount = settings.dtype.tensorType == .float16 ? 2 : 4
      return try UploadBill(
        repository,
        fileCount: (settings.hfNumShards.map { min($0, max(1, bill.plan.sequenceCount)) }
          ?? bill.plan.shardCount) + textNames.count,
        byteCount: bill.width.map { bill.plan.rowCount * ($0 * numberByteCount + 4) },
        environment: environment)
    }
  }

  /// The files beside those of the activations.
  private static let textNames = [recordName, cardName]
  private static let cardName = "README.md"

  /// Uploads what the repository does not have of the finished stage.
  ///
  /// - Returns: its page.
  package func run(through door: (any HubDoor)? = nil) throws -> String {
    let hookName = settings.allHookNames.first ?? ""
    guard
      let folder = try ActivationKey.finished(
        pipeline, Inputs(pipeline, through: door, text: door), hookName: hookName),
      let manifest = try folder.manifest()
    else { throw ExchangeError.notCached(hook: hookName, store: pipeline.store) }
    let key: JSON = [
      "hf_num_shards": settings.hfNumShards.json, "version": .string(Product.version),
      "record": record,
    ]
    return try upload.run(folder: folder, key: key) { upload in
      try send(folder, manifest, Exporting.stream(hookName, folder, manifest), to: upload)
    }
  }

  private func send(
    _ folder: StageFolder, _ manifest: Manifest, _ stream: ArrowMatrixStream, to upload: HubUpload
  ) throws -> [String] {
    let runs = SequenceRuns(folder.path, manifest, stream, count: settings.hfNumShards)
    let work = folder.path + "/upload"
    // Left where a process died.
    try System.removeTree(work)
    try System.createDirectories(work)
    defer { try? System.removeTree(work) }
    var (paths, byteCount) = ([String](), 0)
    for index in 0..<runs.count {
      let name =
        "data/\(ActivationUpload.split)-\(paddedNumber(index))-of-\(paddedNumber(runs.count)).arrow"
      let path = "\(work)/\(paddedNumber(index)).arrow"
      try runs.write(index, to: path)
      // Files of this size go up one by one, so that the disk holds one of them.
      let file = try UploadFile(name, file: path)
      try upload.add([file], summary: StageUpload.summary)
      byteCount += file.byteCount
      paths.append(name)
      try System.remove(path)
    }
    let card = card(runs.sequenceCount, stream, byteCount)
    var texts = [UploadFile(ActivationUpload.recordName, text: record.pretty)]
    if let text = card.written(over: try upload.text(ActivationUpload.cardName)) {
      texts.append(UploadFile(ActivationUpload.cardName, text: text))
    } else {
      upload.note(
        "README.md of \(upload.repository.id) has configurations of its own and stays as it is; name \(card.files) in them."
      )
    }
    try upload.add(texts, summary: StageUpload.summary)
    let prefix = String(card.files.dropLast())
    let left = upload.paths.filter { $0.hasPrefix(prefix) && !paths.contains($0) }
    try upload.remove(left, summary: StageUpload.summary)
    return paths + texts.map(\.path)
  }

  /// The settings under SAELens's names; no path of this machine goes out.
  private var record: JSON {
    var members: [String: JSON] = [:]
    for setting in CacheSettings.settings where !setting.row.name.hasPrefix("model_from") {
      members[setting.row.name] = setting.read(settings)
    }
    members["hook_name"] = .string(settings.allHookNames.first ?? "")
    members["hook_names"] = nil
    members["threads"] = nil
    members["model_name"] = .string(ActivationKey.label(settings.modelName))
    return .object(members)
  }

  private func card(
    _ sequenceCount: Int, _ stream: ArrowMatrixStream, _ byteCount: Int
  ) -> DataSetCard {
    let id = upload.repository.id
    let revision =
      settings.hfRevision == "main" ? "" : ", revision=\"\(settings.hfRevision)\""
    return DataSetCard(
      features: [], split: ActivationUpload.split, rowCount: sequenceCount, byteCount: byteCount,
      fileByteCount: byteCount, files: "data/\(ActivationUpload.split)-*",
      text: """
        # \(id)

        Activations of `\(ActivationKey.label(settings.modelName))` at `\(stream.column)`: \
        \(Readable.count(sequenceCount)) sequences of \(stream.rows) positions with \(stream.columns) numbers each. How they \
        were made stands in [`\(ActivationUpload.recordName)`](\(ActivationUpload.recordName)).

        ```python
        from datasets import load_dataset

        activations = load_dataset("\(id)", split="\(ActivationUpload.split)"\(revision))
        ```

        """)
  }
}
