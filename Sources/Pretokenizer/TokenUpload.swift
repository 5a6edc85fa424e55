// The tokenized rows as a data set on the Hub, in SAELens's layout: Parquet files in `data/`, `sae_lens.json` and a
// card. Comes in: a finished token stage. Leaves: a repository that `load_dataset` and SAELens read.

import Shared

/// The upload that `hf_repo_id` asks for.
struct TokenUpload: Sendable {
  private let stage: StageFolder
  private let settings: PretokenizeSettings
  private let upload: StageUpload

  /// Files that are made before they are sent, and the bytes after which no further one is.
  private static let (groupCount, groupByteCount) = (16, 256 << 20)
  /// The version of SAELens whose record `sae_lens.json` is.
  private static let recordVersion = "6.54.12"

  /// Asks the Hub for access; nil where no repository is set.
  init?(
    _ settings: PretokenizeSettings, _ stage: StageFolder, environment: [String: String],
    mode: Progress.Mode, terminal: Terminal
  ) throws {
    guard let repository = try TokenUpload.repository(settings) else { return nil }
    self.settings = settings
    self.stage = stage
    upload = try StageUpload(
      repository, visibility: settings.hfIsPrivateRepo ? .owner : .everyone,
      environment: environment, mode: mode, terminal: terminal)
  }

  private static func repository(
    _ settings: PretokenizeSettings
  ) throws(HubError) -> HubRepository? {
    guard let id = settings.hfRepoID else { return nil }
    return try HubRepository(.dataset, id, revision: settings.hfRevision)
  }

  /// What will be sent of so many rows; nil where no repository is set.
  static func bill(
    _ settings: PretokenizeSettings, rowCount: Int, environment: [String: String]
  ) throws -> UploadBill? {
    try repository(settings).map { repository in
      let byteCount = rowCount * settings.contextSize * 4
      return try UploadBill(
        repository, fileCount: max(1, min(settings.hfNumShards, rowCount)) + textNames.count,
        byteCount: byteCount, remark: " before compression", environment: environment)
    }
  }

  /// The files beside those of the rows.
  private static let textNames = [RecordedOptions.fileName, cardName]
  private static let cardName = "README.md"

  /// Uploads what the repository does not have.
  ///
  /// - Returns: its page.
  func run(_ manifest: Manifest) throws -> String {
    guard let contextSize = manifest.details["context_size"]?.integer, contextSize > 0 else {
      throw ManifestError.damagedFile(
        path: stage.path + "/" + Manifest.fileName, stage: .tokens)
    }
    let key: JSON = [
      "hf_num_shards": .integer(settings.hfNumShards), "split": .string(split),
      "version": .string(Product.version), "record": record,
    ]
    return try upload.run(folder: stage, key: key) { upload in
      try send(manifest, contextSize, to: upload)
    }
  }

  /// The split that the rows are, where they are one by name; `push_to_hub` takes no slices.
  private var split: String {
    let name = settings.split
    let isName = name.utf8.allSatisfy {
      switch $0 {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
      default: false
      }
    }
    return isName && !name.isEmpty ? name : "train"
  }

  private func send(
    _ manifest: Manifest, _ contextSize: Int, to upload: HubUpload
  ) throws -> [String] {
    var rows = RowShards(folder: stage.path, manifest, count: settings.hfNumShards)
    let work = stage.path + "/upload"
    // Left where a process died.
    try System.removeTree(work)
    try System.createDirectories(work)
    defer { try? System.removeTree(work) }
    var (paths, byteCount) = ([String](), 0)
    var group: [UploadFile] = []
    for index in 0..<rows.count {
      let name =
        "data/\(split)-\(paddedNumber(index))-of-\(paddedNumber(rows.count)).parquet"
      let file = "\(work)/\(paddedNumber(index)).parquet"
      try rows.write(index, contextSize: contextSize, to: file)
      group.append(try UploadFile(name, file: file))
      paths.append(name)
      byteCount += group[group.count - 1].byteCount
      let groupByteCount = group.reduce(0) { $0 + $1.byteCount }
      guard
        index == rows.count - 1 || group.count >= TokenUpload.groupCount
          || groupByteCount >= TokenUpload.groupByteCount
      else { continue }
      try upload.add(group, summary: StageUpload.summary)
      group = []
      for name in try System.list(work) { try System.remove(work + "/" + name) }
    }
    return try paths + addTexts(manifest, contextSize, paths, byteCount, to: upload)
  }

  /// Adds what describes the rows, and removes rows of the same split that an earlier upload left.
  private func addTexts(
    _ manifest: Manifest, _ contextSize: Int, _ paths: [String], _ byteCount: Int,
    to upload: HubUpload
  ) throws -> [String] {
    var files = [UploadFile(RecordedOptions.fileName, text: record.pretty)]
    let card = card(manifest, contextSize, byteCount)
    let old = try upload.text(TokenUpload.cardName)
    if let text = card.written(over: old) {
      files.append(UploadFile(TokenUpload.cardName, text: text))
    } else {
      upload.note(
        "README.md of \(upload.repository.id) has configurations of its own and stays as it is; name data/\(split)-* in them."
      )
    }
    try upload.add(files, summary: StageUpload.summary)
    let left = upload.paths.filter { $0.hasPrefix("data/\(split)-") && !paths.contains($0) }
    try upload.remove(left, summary: StageUpload.summary)
    return files.map(\.path)
  }

  /// What SAELens records, with names in the place of paths of this machine.
  private var record: JSON {
    let options = RecordedOptions.record(
      settings, column: settings.columnName, place: TokenUpload.name)
    let version: [String: JSON] = ["sae_lens_version": .string(TokenUpload.recordVersion)]
    return .object((options.object ?? [:]).merging(version) { $1 })
  }

  /// A name of the Hub as it is; of a path of this machine its last part.
  private static func name(_ place: String) -> String {
    let isPath =
      "/~.".contains(place.prefix(1)) || !RepositoryRules.isName(place) || System.exists(place)
    guard isPath, !place.contains("://"), let last = place.split(separator: "/").last else {
      return place
    }
    return String(last)
  }

  private func card(_ manifest: Manifest, _ contextSize: Int, _ byteCount: Int) -> DataSetCard {
    let id = upload.repository.id
    let tokenizer = settings.tokenizerName.map { " of `\(TokenUpload.name($0))`" } ?? ""
    let origin = TokenUpload.name(settings.datasetPath)
    let revision =
      settings.hfRevision == "main" ? "" : ", revision=\"\(settings.hfRevision)\""
    return DataSetCard(
      features: [["name: input_ids", "list: int32"]], split: split, rowCount: manifest.rows,
      // 4 bytes an id, and 4 for where each row begins.
      byteCount: manifest.rows * (4 * contextSize + 4), fileByteCount: byteCount,
      files: "data/\(split)-*",
      text: """
        # \(id)

        \(Readable.count(manifest.rows)) rows of \(contextSize) token ids\(tokenizer), made of `\(origin)` (split \
        `\(settings.split)`) for training sparse autoencoders. How they were made stands in [`sae_lens.json`](sae_lens.json).

        ```python
        from datasets import load_dataset

        rows = load_dataset("\(id)", split="\(split)"\(revision))
        ```

        SAELens and Saeline train on them with `dataset_path: "\(id)"` and `is_dataset_tokenized: true`.

        """)
  }
}
