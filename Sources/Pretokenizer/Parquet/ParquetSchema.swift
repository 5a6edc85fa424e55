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
  static func all(_ schema: [ParquetMetadata.Element]) throws(ThriftProblem) -> [ParquetColumn] {
    guard let root = schema.first else { throw ThriftProblem(offset: 0) }
    var columns: [ParquetColumn] = []
    var index = 1
    var leaf = 0
    for _ in 0..<max(0, root.childCount) {
      let end = try subtreeEnd(schema, index)
      columns.append(ParquetColumn(schema[index..<end], leaf: leaf))
      leaf += schema[index..<end].count { $0.childCount == 0 }
      index = end
    }
    return columns
  }

  /// Where the nodes below the one at `start` end.
  private static func subtreeEnd(
    _ schema: [ParquetMetadata.Element], _ start: Int
  ) throws(ThriftProblem) -> Int {
    var index = start
    var missing = 1
    while missing > 0 {
      guard missing <= schema.count - index, schema[index].childCount >= 0 else {
        throw ThriftProblem(offset: 0)
      }
      missing += schema[index].childCount - 1
      index += 1
    }
    return index
  }

  private init(_ nodes: ArraySlice<ParquetMetadata.Element>, leaf: Int) {
    let nodes = Array(nodes)
    let element = ParquetColumn.listElement(nodes)
    if nodes.count == 1, nodes[0].isText, !nodes[0].isRepeated {
      content = .text
    } else {
      content = element.map(\.isWholeNumber) == true ? .tokens : nil
    }
    var levels = Levels()
    for node in nodes where content != nil {
      if node.isRepeated {
        levels.emptyList = levels.definition
        levels.repetition += 1
      }
      if node.isRepeated || node.isOptional { levels.definition += 1 }
    }
    self.levels = levels
    self.leaf = leaf
    name = nodes[0].name
    isUnsigned = element?.meaning == .unsigned
    words = element.map { "lists of " + $0.words } ?? nodes[0].words
  }

  /// The element of a list, in the form of today and in the older ones; nil for other columns.
  private static func listElement(
    _ nodes: [ParquetMetadata.Element]
  ) -> ParquetMetadata.Element? {
    let list = nodes[0]
    // A repeated value without a list around it is one that is never null.
    if list.isRepeated { return nodes.count == 1 ? list : nil }
    guard list.meaning == .list, list.childCount == 1, nodes[1].isRepeated else { return nil }
    if nodes.count == 2 { return nodes[1] }
    // By the format's rules for older files, groups of these names are elements themselves.
    guard nodes[1].childCount == 1, nodes[1].name != "array", nodes[1].name != list.name + "_tuple",
      !nodes[2].isRepeated
    else { return nodes[1] }
    return nodes[2]
  }
}

extension ParquetMetadata.Element {
  fileprivate var isOptional: Bool { repetition == 1 }
  fileprivate var isRepeated: Bool { repetition == 2 }

  /// Bytes that are called text, or called nothing.
  fileprivate var isText: Bool {
    childCount == 0 && type == 6 && (meaning == nil || meaning == .text)
  }

  fileprivate var isWholeNumber: Bool {
    childCount == 0 && (type == 1 || type == 2)
      && (meaning == nil || meaning == .signed || meaning == .unsigned)
  }

  /// What it holds, in words.
  fileprivate var words: String {
    if childCount > 0 { return meaning == .list ? "lists" : "structures" }
    if isText { return "text" }
    if isWholeNumber { return "whole numbers" }
    return switch type {
    case 0: "true or false"
    case 1, 2, 3: "dates, times or decimals"
    case 4, 5: "floating-point numbers"
    default: "bytes"
    }
  }
}
