// The card of an uploaded data set, with what `load_dataset` reads of it. Comes in: columns, a split and its
// sizes. Leaves: README.md as `push_to_hub` of datasets 5.2 keeps it, over whatever stood there.

/// What is said of a split and of the rows that all splits share.
package struct DataSetCard: Sendable, Equatable {
  /// The columns as an item of YAML each: `name: input_ids`, `list: int32`; empty where the files tell.
  package let features: [[String]]
  package let split: String
  package let rowCount: Int
  /// Bytes of the rows in memory.
  package let byteCount: Int
  /// Bytes of the files.
  package let fileByteCount: Int
  /// The files: `data/train-*`.
  package let files: String
  /// Markdown for people.
  package let text: String

  package init(
    features: [[String]], split: String, rowCount: Int, byteCount: Int, fileByteCount: Int,
    files: String, text: String
  ) {
    self.features = features
    self.split = split
    self.rowCount = rowCount
    self.byteCount = byteCount
    self.fileByteCount = fileByteCount
    self.files = files
    self.text = text
  }

  /// Another split that the card of a repository tells of.
  private struct OtherSplit {
    let name: String
    let files: String
    let rowCount: Int
    let byteCount: Int
  }

  /// The card in place of another one: a text of somebody's own keeps all but the keys of the data set.
  ///
  /// - Returns: nil where the other one has configurations besides `default`, which stay as they are.
  package func written(over existing: String?) -> String? {
    let old = CardFront(existing ?? "")
    guard let others = otherSplits(old) else { return nil }
    let kept = old.isOurs ? [] : old.lines(without: ["dataset_info", "configs"])
    let body = existing == nil || old.isOurs ? "\(CardFront.mark)\n\n\(text)" : old.body
    let text = CardFront.text(front: front(others) + kept, body: body)
    // What was kept may not go on where something stands before it.
    guard let written = CardFront(text).values, let configurations = written["configs"]?.array,
      configurations.count == 1, configurations[0]["data_files"]?.array?.count == others.count + 1
    else { return nil }
    return text
  }

  /// The other splits of the one configuration; nil where there are further ones.
  private func otherSplits(_ old: CardFront) -> [OtherSplit]? {
    guard let values = old.values, values.object != nil else { return nil }
    guard let configurations = values["configs"], configurations != .null else { return [] }
    guard let list = configurations.array, list.count == 1, let only = list.first,
      only["config_name"]?.string == "default", let files = only["data_files"]?.array
    else { return nil }
    let sizes = values["dataset_info"]?["splits"]?.array ?? []
    return files.compactMap { entry in
      guard let name = entry["split"]?.string, name != split, let path = entry["path"]?.string
      else { return nil }
      let size = sizes.first { $0["name"]?.string == name }
      return OtherSplit(
        name: name, files: path, rowCount: size?["num_examples"]?.integer ?? 0,
        byteCount: size?["num_bytes"]?.integer ?? 0)
    }
  }

  private func front(_ others: [OtherSplit]) -> [String] {
    let own = OtherSplit(name: split, files: files, rowCount: rowCount, byteCount: byteCount)
    let splits = [own] + others
    var lines = ["dataset_info:"] + (features.isEmpty ? [] : ["  features:"])
    for feature in features {
      lines += feature.enumerated().map { ($0 == 0 ? "  - " : "    ") + $1 }
    }
    lines.append("  splits:")
    for split in splits {
      lines += [
        "  - name: \(split.name)", "    num_bytes: \(split.byteCount)",
        "    num_examples: \(split.rowCount)",
      ]
    }
    lines += [
      "  download_size: \(fileByteCount)",
      "  dataset_size: \(splits.reduce(0) { $0 + $1.byteCount })", "configs:",
      "- config_name: default", "  data_files:",
    ]
    for split in splits { lines += ["  - split: \(split.name)", "    path: \(split.files)"] }
    return lines
  }
}
