// A pipeline file and the overrides of a command line become a Pipeline, or a list of all that is
// wrong with them.

/// A pipeline file that could not be read or does not describe a pipeline.
package enum PipelineError: Failure, Equatable {
  case unreadable(SystemError)
  case tooLarge(path: String, limit: Int)
  case syntax(path: String, place: TextPlace, what: String)
  case notAnObject(path: String, place: TextPlace)
  case peerConfiguration(path: String, kind: PeerConfiguration.Kind)
  /// `more` counts the problems behind those that are listed.
  case wrong(path: String, hasFlags: Bool, remarks: [Remark], more: Int)

  package var sentence: String {
    switch self {
    case .unreadable(let error): error.sentence
    case .tooLarge(let path, let limit):
      "\(path) is larger than \(Readable.bytes(limit)), which no pipeline file is."
    case .syntax(let path, let place, let what): "\(path), \(place.words): \(what)."
    case .notAnObject(let path, let place):
      "\(path), \(place.words): a pipeline file must be an object: { pretokenize: { … }, … }."
    case .peerConfiguration(let path, let kind): "\(path) is \(kind.words), no pipeline file."
    case .wrong(let path, let hasFlags, let remarks, let more):
      PipelineError.list(path + (hasFlags ? " with --set" : ""), path, remarks, more)
    }
  }

  private static func list(
    _ source: String, _ path: String, _ remarks: [Remark], _ more: Int
  ) -> String {
    if remarks.count == 1, more == 0 {
      let place = remarks[0].place.map { "\(path), \($0.words)" }
      return "\(place ?? source): \(remarks[0].line)"
    }
    let lines = remarks.map { "  " + ($0.place.map { $0.words + ": " } ?? "") + $0.line }
    return "\(source) has \(remarks.count + more) problems:\n"
      + (lines + (more > 0 ? ["  and \(more) more"] : [])).joined(separator: "\n")
  }

  package var hint: String? {
    switch self {
    case .unreadable(let error): error.hint
    case .syntax, .notAnObject: "Pipeline files are JSON5: JSON with comments and trailing commas."
    case .peerConfiguration(let path, _):
      "saeline-train init --from \(path) writes the pipeline file that it amounts to."
    case .tooLarge, .wrong: nil
    }
  }
}

/// What a pipeline file and its overrides say.
package struct PipelineFile: Sendable, Equatable {
  package let pipeline: Pipeline
  /// What a person should know of: defaults that were taken, options that do nothing, spellings that
  /// were corrected.
  package let notes: [Remark]
  /// What `train.sweep` asks for, in the order in which it is run; empty without a sweep.
  package let combinations: [Combination]

  /// More than any file that a person writes.
  private static let byteLimit = 16 << 20
  private static let limits = JSON5Limits(keyByteCount: 1000, memberCount: 10_000)

  /// Reads a file; `overrides` are texts such as `train.lr=1e-4`.
  ///
  /// `running` names the section whose stage is about to run, which must be complete.
  package static func read(
    _ path: String, overrides: [String] = [], running: String? = nil
  ) throws -> PipelineFile {
    try PipelineFile(
      parsing: bytes(of: path), path: path, overrides: overrides, running: running)
  }

  /// Reads the text of a file that `path` names.
  package init(
    parsing text: [UInt8], path: String, overrides: [String] = [], running: String? = nil
  ) throws {
    let document = try PipelineFile.document(text, path: path)
    guard let members = document.value.object else {
      throw PipelineError.notAnObject(path: path, place: document.beginning)
    }
    if let kind = PeerConfiguration.Kind(members) {
      throw PipelineError.peerConfiguration(path: path, kind: kind)
    }
    var gathering = Gathering(document)
    gathering.add(members)
    gathering.settle()
    for override in overrides { gathering.replace(by: try Override(override)) }
    gathering.carryOver()

    var pipeline = Pipeline()
    gathering.apply(to: &pipeline)
    combinations = gathering.check(pipeline, running: running)
    if !gathering.problems.isEmpty {
      throw PipelineError.wrong(
        path: path, hasFlags: !overrides.isEmpty, remarks: gathering.sortedProblems,
        more: gathering.unlistedCount)
    }
    self.pipeline = pipeline
    notes = gathering.notes
  }

  /// The bytes of a file that is no larger than a configuration may be.
  static func bytes(of path: String) throws -> [UInt8] {
    do {
      let descriptor = try System.openForReading(HomeFolder.expanded(path))
      defer { System.close(descriptor) }
      let bytes = try System.readStream(descriptor, atMost: byteLimit + 1, path: path)
      guard bytes.count <= byteLimit else {
        throw PipelineError.tooLarge(path: path, limit: byteLimit)
      }
      return bytes
    } catch let error as SystemError {
      throw PipelineError.unreadable(error)
    }
  }

  static func document(_ text: [UInt8], path: String) throws(PipelineError) -> JSON5Document {
    do { return try JSON5Document(parsing: text, limits: limits) } catch {
      throw PipelineError.syntax(path: path, place: error.place, what: error.what)
    }
  }
}

/// A `--set` of the command line: `section.key=value`.
struct Override {
  let path: [String]
  let value: JSON

  init(_ text: String) throws(CommandLineError) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw .badOverride(text)
    }
    path = text[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if path.contains("") { throw .badOverride(text) }
    let given = String(text[text.index(after: equals)...])
    if let value = try? JSON(parsing: Array(given.utf8), as: .json5) {
      self.value = value
    } else if let first = given.first, "[{\"'".contains(first) {
      throw .badOverride(text)
    } else {
      value = .string(given)
    }
  }

  /// The override as the members of a file that says only this.
  var members: [String: JSON] {
    let whole = path.reversed().reduce(value) { JSON.object([$1: $0]) }
    return whole.object ?? [:]
  }
}
