// Writes pipeline files: what a configuration of SAELens amounts to, and what a run was made of. Comes in:
// a pipeline. Leaves: the text of a file that says it whatever defaults there are.

extension Pipeline {
  /// Every setting that the run depends on, as the members of a pipeline file.
  ///
  /// Settings of other architectures, and those that only stand for others, are left out.
  package var stated: JSON {
    var result: [String: JSON] = [:]
    for table in Pipeline.tables {
      let members = table.stated(self) { _, _ in false }
      if table.name.isEmpty {
        result.merge(members) { first, _ in first }
      } else {
        result[table.name] = .object(members)
      }
    }
    return .object(result)
  }

  /// The same for a file beside the run, which may be carried to other machines: without the store and what
  /// jobs ask for, which decide no byte, and of paths from the root the last part alone.
  package var recorded: JSON {
    var members = stated.object ?? [:]
    for name in ["store", "launch"] { members[name] = nil }
    for table in Pipeline.tables where !table.name.isEmpty {
      guard var section = members[table.name]?.object else { continue }
      for row in table.rows where row.meaning == .path {
        section[row.name] = section[row.name].map(Pipeline.travelling)
      }
      members[table.name] = .object(section)
    }
    return .object(members)
  }

  private static func travelling(_ value: JSON) -> JSON {
    switch value {
    case .string(let path) where path.hasPrefix("/"):
      .string(path.split(separator: "/").last.map(String.init) ?? path)
    case .array(let items): .array(items.map(travelling))
    case .object(let members): .object(members.mapValues(travelling))
    default: value
    }
  }
}

extension SectionTable {
  /// Settings that stand for others, or that say how a file is to be read.
  private static let shorthands: Set = [
    "activation_fn", "activation_fn_kwargs", "model_from_pretrained_kwargs", "sae_lens_version",
  ]

  /// The settings of a pipeline that can be stated, but those that are left out by name and value.
  fileprivate func stated(
    _ pipeline: Pipeline, leavingOut isLeftOut: (SettingRow, JSON) -> Bool
  ) -> [String: JSON] {
    let values = resolved(pipeline).object ?? [:]
    var result: [String: JSON] = [:]
    for row in rows where !SectionTable.shorthands.contains(row.name) {
      let isOwn =
        row.architectures.isEmpty || row.architectures.contains(pipeline.train.architecture)
      guard isOwn, let value = values[row.name], !isLeftOut(row, value) else { continue }
      result[row.name] = value
    }
    if name == TrainSettings.sectionName {
      result[DefaultsVersion.key] = DefaultsVersion.saeLens6.json
      if pipeline.train.sequenceSeparatorToken == .unstated {
        result["sequence_separator_token"] = nil
      }
    }
    return result
  }
}

/// A pipeline file made of a configuration of SAELens.
package struct PipelineDraft: Sendable {
  package let pipeline: Pipeline
  package let text: String
  /// What a person should know.
  package let notes: [Remark]

  /// Reads a cfg.json or runner_cfg.json.
  package static func read(_ path: String) throws -> PipelineDraft {
    try PipelineDraft(parsing: PipelineFile.bytes(of: path), path: path)
  }

  package init(parsing text: [UInt8], path: String) throws {
    let document = try PipelineFile.document(text, path: path)
    guard let members = document.value.object, let peer = PeerConfiguration(members) else {
      throw PipelineDraftError.unknown(path: path)
    }
    var gathering = Gathering(document, within: peer.section)
    gathering.add([peer.section: .object(peer.options)])
    gathering.settle()
    gathering.carryOver()
    for (section, options) in peer.companions { gathering.supply(options, to: section) }
    gathering.fillLayer()
    var pipeline = Pipeline()
    pipeline.name = PipelineDraft.name(of: path)
    gathering.apply(to: &pipeline)
    _ = gathering.check(pipeline, running: nil)
    guard gathering.problems.isEmpty else {
      throw PipelineError.wrong(
        path: path, hasFlags: false, remarks: gathering.sortedProblems,
        more: gathering.unlistedCount)
    }
    self.pipeline = pipeline
    notes = gathering.notes
    let given = Set(gathering.given.keys)
    self.text = PipelineDraft.text(
      pipeline, from: path, peer.kind, notes: gathering.notes,
      isStated: { given.contains(Gathering.Home($0, $1)) })
  }

  /// A name for the pipeline: that of the file's folder where the file has the name that all have.
  private static func name(of path: String) -> String {
    let parts = HomeFolder.absolute(path).split(separator: "/").map(String.init)
    let file = (parts.last ?? "").split(separator: ".").first.map(String.init) ?? ""
    let isCommon = ["cfg", "runner_cfg"].contains(file)
    let name = isCommon && parts.count > 1 ? parts[parts.count - 2] : file
    let plain = name.map { letter in
      letter.isASCII && (letter.isLetter || letter.isNumber || "._-".contains(letter))
        ? letter : "-"
    }
    let trimmed = String(plain).drop { $0 == "." || $0 == "-" }
    return trimmed.isEmpty ? "pipeline" : String(trimmed)
  }

  private static func text(
    _ pipeline: Pipeline, from path: String, _ kind: PeerConfiguration.Kind, notes: [Remark],
    isStated: (String, String) -> Bool
  ) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    var lines = [
      "// The pipeline that \(JSON.clipped(file)) amounts to, \(kind.words).",
      "// dataset_path, tokenizer_name and model_name may be files of this machine or names on the Hub.",
    ]
    let idle = notes.filter { $0.weight == .changesNothing }.map(\.key)
    lines += notes.filter { $0.weight == .counts }.map { "// note: \(JSON.clippedLine($0.line))" }
    if !idle.isEmpty {
      lines += comment("Left out, since they change nothing here: \(idle.joined(separator: ", ")).")
    }
    lines.append("{")
    for table in Pipeline.tables {
      let members = table.stated(pipeline) { row, value in
        !isStated(table.name, row.name) && value == row.defaultValue
      }
      let isTop = table.name.isEmpty
      let order = (["defaults"] + table.rows.map(\.name)).filter { members[$0] != nil }
      let names = order.enumerated().filter { order.firstIndex(of: $1) == $0 }.map(\.element)
      if isTop {
        lines += ["  name: \(JSON.string(pipeline.name).canonical),"]
        lines += names.filter { $0 != "name" }.map { "  \($0): \(members[$0]?.canonical ?? "")," }
      } else if !names.isEmpty {
        lines += ["", "  \(table.name): {"]
        lines += names.map { "    \($0): \(members[$0]?.canonical ?? "")," } + ["  },"]
      }
    }
    return lines.joined(separator: "\n") + "\n}\n"
  }
}

extension PipelineDraft {
  /// A sentence as lines of a comment.
  private static func comment(_ text: String) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + word.count < 100 {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append("// " + word)
      }
    }
    return lines
  }
}

/// Why a pipeline file cannot be made of a file.
package enum PipelineDraftError: Failure, Equatable {
  case unknown(path: String)
  case exists(path: String)

  package var sentence: String {
    switch self {
    case .unknown(let path): "\(path) is no configuration of SAELens that is known here."
    case .exists(let path): "\(path) exists already."
    }
  }

  package var hint: String? {
    switch self {
    case .unknown: "Give a cfg.json of an SAE or the runner_cfg.json of a run."
    case .exists: "Give another name with --output FILE."
    }
  }
}

extension JSON {
  /// A note as one line of a comment.
  fileprivate static func clippedLine(_ text: String) -> String {
    String(text.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) })
  }
}
