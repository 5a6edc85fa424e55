// A pipeline file and the overrides of a command line become a Pipeline, or a list of all that is
// wrong with them.

/// A pipeline file that could not be read or does not describe a pipeline.
package enum PipelineError: Failure, Equatable {
  case unreadable(SystemError)
  case syntax(path: String, line: Int, what: String)
  case notAnObject(path: String)
  case wrong(source: String, remarks: [Remark])

  package var sentence: String {
    switch self {
    case .unreadable(let error): error.sentence
    case .syntax(let path, let line, let what): "\(path), line \(line): \(what)."
    case .notAnObject(let path): "\(path) must be an object: { pretokenize: { … }, … }."
    case .wrong(let source, let remarks):
      if remarks.count == 1 {
        "\(source): \(remarks[0].line)"
      } else {
        "\(source) has \(remarks.count) problems:\n"
          + remarks.map { "  " + $0.line }.joined(separator: "\n")
      }
    }
  }

  package var hint: String? {
    switch self {
    case .unreadable(let error): error.hint
    case .syntax, .notAnObject: "Pipeline files are JSON5: JSON with comments and trailing commas."
    case .wrong: nil
    }
  }
}

/// What a pipeline file and its overrides say.
package struct PipelineFile: Sendable, Equatable {
  package let pipeline: Pipeline
  /// Options that were accepted and do nothing, and spellings that were corrected.
  package let notes: [Remark]
  /// What `train.sweep` asks for, in the order in which it is run; empty without a sweep.
  package let combinations: [Combination]

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
    let (members, duplicates) = try PipelineFile.members(of: text, path: path)
    var gathering = Gathering()
    gathering.problems = duplicates
    gathering.add(members)
    gathering.settle()
    for override in overrides { gathering.replace(by: try Override(override)) }

    var pipeline = Pipeline()
    gathering.apply(to: &pipeline)
    combinations = gathering.check(pipeline, running: running)
    if !gathering.problems.isEmpty {
      let source = path + (overrides.isEmpty ? "" : " with --set")
      throw PipelineError.wrong(source: source, remarks: gathering.problems)
    }
    self.pipeline = pipeline
    notes = gathering.notes
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    do {
      let descriptor = try System.openForReading(path)
      defer { System.close(descriptor) }
      let status = try System.status(of: descriptor, path: path)
      return try System.read(descriptor, byteCount: status.byteCount, offset: 0, path: path)
    } catch {
      throw PipelineError.unreadable(error)
    }
  }

  private static func members(
    of text: [UInt8], path: String
  ) throws -> (members: [String: JSON], duplicates: [Remark]) {
    let outline: Outline
    do { outline = try Outline(text) } catch {
      throw PipelineError.syntax(path: path, line: error.line, what: error.what)
    }
    guard let json = try? JSON(parsing: text, as: .json5) else {
      throw PipelineError.syntax(path: path, line: 1, what: "the file is not JSON5")
    }
    guard let members = json.object else { throw PipelineError.notAnObject(path: path) }
    let duplicates = outline.duplicates.map {
      Remark(
        section: "", name: $0.key,
        text: "is given twice, in line \($0.firstLine) and in line \($0.line).")
    }
    return (members, duplicates)
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
