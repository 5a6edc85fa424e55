// The columns of a Parquet file. Comes in: the schema of its footer. Leaves: for each column what it
// can be read as, and how the levels of its values are understood.

import Shared

/// A column at the top of a schema.
struct ParquetColumn {
  let name: String
  /// What it can be read as; nil where it is neither text nor a list of whole numbers.
  let content: ColumnContent?
  /// Its type in words.
  let words: String
  /// The place of its first leaf among all leaves.
  let leaf: Int
  let levels: Levels
  let isUnsigned: Bool

  /// What the levels of a value say.
  struct Levels: Equatable {
    /// The definition level of a value that is there.
    var definition = 0
    var repetition = 0
    /// The definition level of a list that is there and empty; below it the list is null.
    var emptyList = 0
  }

  /// The columns of a schema.
  static func all(_ schema: [ParquetMetadata.Element]) throws -> [ParquetColumn] {
    guard let root = schema.first else { throw ThriftProblem(offset: 0) }
    var columns: [ParquetColumn] = []
    var index = 1
    var leaf = 0
    for _ in 0..<max(0, root.childCount) {
      guard index < schema.count else { throw ThriftProblem(offset: 0) }
      let end = try subtreeEnd(schema, index, depth: 0)
      columns.append(ParquetColumn(schema[index..<end], leaf: leaf))
      leaf += schema[index..<end].count { $0.childCount == 0 }
      index = end
    }
    return columns
  }

  private static func subtreeEnd(
    _ schema: [ParquetMetadata.Element], _ index: Int, depth: Int
  ) throws -> Int {
    guard index < schema.count, depth < 64 else { throw ThriftProblem(offset: 0) }
    var end = index + 1
    for _ in 0..<max(0, schema[index].childCount) {
      end = try subtreeEnd(schema, end, depth: depth + 1)
    }
    return end
  }

  private init(_ nodes: ArraySlice<ParquetMetadata.Element>, leaf: Int) {
    let (optional, repeated) = (1, 2)
    var levels = Levels()
    var repeatedCount = 0
    for node in nodes {
      if node.repetition == repeated {
        levels.emptyList = levels.definition
        levels.repetition += 1
        repeatedCount += 1
      }
      if node.repetition == optional || node.repetition == repeated { levels.definition += 1 }
    }
    // Every node but the last has one child: a plain value, or a list of one kind of value.
    let isPath = nodes.dropLast().allSatisfy { $0.childCount == 1 }
    let last = nodes.last
    let (integers, byteArray) = ([1, 2], 6)
    let isDecimalOrTime = last?.convertedType.map { [5, 6, 7, 8, 9, 10].contains($0) } ?? false
    if nodes.count == 1, last?.type == byteArray, repeatedCount == 0, !isDecimalOrTime {
      content = .text
    } else if isPath, repeatedCount == 1, let type = last?.type, integers.contains(type),
      !isDecimalOrTime
    {
      content = .tokens
    } else {
      content = nil
    }
    words = ParquetColumn.words(nodes, isList: repeatedCount > 0)
    name = nodes.first?.name ?? ""
    self.leaf = leaf
    self.levels = levels
    isUnsigned = last?.convertedType.map { (11...14).contains($0) } ?? false
  }

  private static func words(
    _ nodes: ArraySlice<ParquetMetadata.Element>, isList: Bool
  ) -> String {
    if nodes.count > 1 { return isList ? "lists" : "structures" }
    switch nodes.first?.type {
    case 0: return "true or false"
    case 1, 2: return "whole numbers"
    case 4, 5: return "floating-point numbers"
    case 6: return "text"
    default: return "bytes"
    }
  }
}
