// What a stage has made, as its program says at the end, whether it was made just now or found. Comes in: the
// manifest and the timing of a folder of the store. Leaves: a table for people.

/// The summary of a finished folder of tokens or activations.
package struct StageSummary: Sendable, Equatable {
  private let manifest: Manifest
  private let timing: Timing?
  private let folder: String

  package init(_ manifest: Manifest, _ timing: Timing?, folder: String) {
    self.manifest = manifest
    self.timing = timing
    self.folder = folder
  }

  /// Of a folder that is finished.
  package init(_ folder: StageFolder, _ manifest: Manifest) {
    self.init(manifest, Timing.read(folder: folder.path), folder: folder.path)
  }

  package var table: Table {
    var table = Table(title: title, columns: [.init(""), .init(""), .init("")])
    table.add(amount)
    table.add(["on disk", Readable.bytes(byteCount), counted(manifest.shards.count, "shard")])
    if let timing {
      table.add([
        "time", Readable.duration(seconds: timing.seconds),
        "\(Readable.count(timing.tokensPerSecond)) tokens/s",
      ])
    }
    table.add(["folder", folder, ""])
    return table
  }

  private var title: String {
    switch manifest.stage {
    case .tokens: "Tokens of \(manifest.name)"
    case .activations: "Activations of \(manifest.name)"
    case .runs: "Run \(manifest.name)"
    }
  }

  /// What the rows of the stage are.
  private var amount: [String] {
    let details = manifest.details
    if manifest.stage == .tokens, let contextSize = details["context_size"]?.integer {
      var words = "\(counted(manifest.rows, "sequence")) of \(contextSize)"
      if let documents = details["documents"]?.integer {
        words += " from \(counted(documents, "document"))"
      }
      return ["tokens", Readable.count(manifest.rows * contextSize), words]
    }
    let words = [
      details["d_in"]?.integer.map { "of width \($0)" },
      details["dtype"]?.string.map { "in \($0)" },
    ]
    return ["rows", Readable.count(manifest.rows), words.compactMap(\.self).joined(separator: " ")]
  }

  private var byteCount: Int {
    manifest.shards.reduce(0) { $0 + $1.bytes } + manifest.files.reduce(0) { $0 + $1.bytes }
  }

  private func counted(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(Readable.count(count)) \(noun)s"
  }
}
