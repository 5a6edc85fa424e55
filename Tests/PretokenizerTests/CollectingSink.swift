// A sink that keeps what it is given.

import Pretokenizer
import Shared
import Support

struct CollectingSink: DocumentSink {
  var texts: [String] = []
  var lists: [[UInt32]] = []
  var problems: [String] = []
  var replacedCount = 0
  let skipsInvalid: Bool

  init(skipsInvalid: Bool = false) { self.skipsInvalid = skipsInvalid }

  mutating func text(_ bytes: Span<UInt8>) throws {
    texts.append(String(decoding: [UInt8](copying: bytes), as: UTF8.self))
  }

  mutating func tokens(_ ids: Span<UInt32>) throws { lists.append([UInt32](copying: ids)) }

  mutating func invalid(_ problem: any Failure) throws {
    guard skipsInvalid else { throw problem }
    problems.append(problem.sentence)
  }

  mutating func replaced(_ count: Int) { replacedCount += count }
}

/// Reads a data set of one file as the stage does, in blocks of a target size.
func collect(
  _ path: String, column: ColumnChoice? = nil, textDocuments: TextDocuments = .file,
  limit: Int = 64 << 20, target: Int = InputBlock.targetByteCount, skipsInvalid: Bool = false
) throws -> CollectingSink {
  let file = try DataFile.open(path)
  let columns = try Documents.columns(file, limit: limit)
  let rules = ReadingRules(
    column: column ?? ColumnChoice(columns, PretokenizeSettings()), textDocuments: textDocuments,
    documentByteCount: limit)
  var sink = CollectingSink(skipsInvalid: skipsInvalid)
  for block in try InputBlock.cut([file], rules, targetByteCount: target) {
    for piece in block.pieces { try piece.read(rules, into: &sink) }
  }
  return sink
}

/// The words of the error with which reading some bytes under a name ends.
func complaint(_ bytes: [UInt8], name: String, column: ColumnChoice? = nil) throws -> String {
  let folder = try TemporaryFolder()
  let path = try folder.write(bytes, to: name)
  do {
    _ = try collect(path, column: column)
    return ""
  } catch let failure as any Failure {
    return failure.sentence.replacing(folder.path + "/", with: "")
  }
}
