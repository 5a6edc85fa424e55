// The columns of an Arrow stream. Comes in: its schema message. Leaves: for every column what it
// holds, and which buffers of a record batch are its.

/// A column of a schema, or a part of one.
package struct ArrowField: Sendable {
  package let name: String
  package let type: ArrowType
  package let children: [ArrowField]
  /// The dictionary that holds the values, whose places the column holds.
  package let dictionary: (id: Int, index: ArrowType)?
  /// What its writer noted, such as the name of an extension type.
  package let metadata: [String: String]

  /// Deeper types are refused.
  private static let depthLimit = 64

  /// The fields of a schema.
  static func fields(_ schema: FlatTable) throws -> [ArrowField] {
    // A field and its name take more bytes than this; tables that are named over and over do not.
    var budget = schema.byteCount
    return try schema.tables(1, atMost: budget).map { try ArrowField($0, depth: 0, &budget) }
  }

  private init(_ table: FlatTable, depth: Int, _ budget: inout Int) throws {
    name = try table.text(0) ?? ""
    budget -= 1 + name.utf8.count
    guard depth < ArrowField.depthLimit, budget >= 0 else { throw FlatBufferProblem(offset: 0) }
    type = try ArrowType(try table.number(2, UInt8.self), try table.table(3))
    children = try table.tables(5, atMost: budget).map {
      try ArrowField($0, depth: depth + 1, &budget)
    }
    if let encoding = try table.table(4) {
      let index = try encoding.table(1)
      dictionary = (
        Int(try encoding.number(0, Int64.self)),
        index == nil ? .integer(byteCount: 4, isSigned: true) : try ArrowType(2, index)
      )
    } else {
      dictionary = nil
    }
    var notes: [String: String] = [:]
    for pair in try table.tables(6, atMost: budget) {
      let (key, value) = (try pair.text(0) ?? "", try pair.text(1) ?? "")
      budget -= key.utf8.count + value.utf8.count
      guard budget >= 0 else { throw FlatBufferProblem(offset: 0) }
      notes[key] = value
    }
    metadata = notes
  }

  private init(_ field: ArrowField, dictionary: (id: Int, index: ArrowType)?) {
    (name, type, children, metadata) = (field.name, field.type, field.children, field.metadata)
    self.dictionary = dictionary
  }

  /// The field of a dictionary's values.
  var withoutDictionary: ArrowField { ArrowField(self, dictionary: nil) }

  /// What the column can be read as.
  package var content: ArrowContent? {
    switch type {
    case .text, .textView: return .text
    case .list, .fixedSizeList:
      guard dictionary == nil, children.count == 1, children[0].dictionary == nil else {
        return nil
      }
      if case .integer = children[0].type { return .tokens }
      guard children[0].type.isList, children[0].children.count == 1,
        case .float = children[0].children[0].type
      else { return nil }
      return .matrices
    default: return nil
    }
  }

  /// The values and buffers of a batch that this field and those in it take.
  ///
  /// `views` gives the number of further buffers of each column of views, in order.
  func extent(_ views: inout ArraySlice<Int>) -> (nodes: Int, buffers: Int) {
    if dictionary != nil { return (1, 2) }
    var extent = (nodes: 1, buffers: type.bufferCount)
    if case .textView = type { extent.buffers += views.popFirst() ?? 0 }
    if case .otherView = type { extent.buffers += views.popFirst() ?? 0 }
    for child in children {
      let inner = child.extent(&views)
      extent = (extent.nodes + inner.nodes, extent.buffers + inner.buffers)
    }
    return extent
  }
}

/// What is known of a type.
package enum ArrowType: Sendable, Equatable {
  /// UTF-8 with offsets of 4 or 8 bytes.
  case text(offsetByteCount: Int)
  case textView
  case otherView
  case integer(byteCount: Int, isSigned: Bool)
  /// float16, float32 or float64.
  case float(byteCount: Int)
  case list(offsetByteCount: Int)
  case fixedSizeList(Int)
  /// A type that is only passed over, with the buffers of its own.
  case other(String, buffers: Int)

  /// Reads the number and table of the union `Type` of Schema.fbs.
  init(_ number: UInt8, _ table: FlatTable?) throws {
    switch number {
    case 1: self = .other("nulls", buffers: 0)
    case 2:
      let bits = Int(try table?.number(0, Int32.self) ?? 0)
      guard [8, 16, 32, 64].contains(bits) else { throw FlatBufferProblem(offset: 0) }
      self = .integer(byteCount: bits / 8, isSigned: try table?.bool(1) ?? false)
    case 3:
      let precision = Int(try table?.number(0, Int16.self) ?? 0)
      guard (0...2).contains(precision) else { throw FlatBufferProblem(offset: 0) }
      self = .float(byteCount: 2 << precision)
    case 4, 19: self = .other("bytes", buffers: 3)
    case 5: self = .text(offsetByteCount: 4)
    case 20: self = .text(offsetByteCount: 8)
    case 6...11, 15, 18: self = .other("values of a fixed size", buffers: 2)
    case 12: self = .list(offsetByteCount: 4)
    case 21: self = .list(offsetByteCount: 8)
    case 13: self = .other("structures", buffers: 1)
    case 14:
      let isDense = try table?.number(0, Int16.self) == 1
      self = .other("unions", buffers: isDense ? 2 : 1)
    case 16: self = .fixedSizeList(Int(try table?.number(0, Int32.self) ?? 0))
    case 17: self = .other("maps", buffers: 2)
    case 22: self = .other("runs", buffers: 0)
    case 23: self = .otherView
    case 24: self = .textView
    case 25, 26: self = .other("lists by view", buffers: 3)
    default: throw FlatBufferProblem(offset: 0)
    }
  }

  /// Buffers of its own, without those of views and children.
  var bufferCount: Int {
    switch self {
    case .text: 3
    case .integer, .float, .list, .textView, .otherView: 2
    case .fixedSizeList: 1
    case .other(_, let buffers): buffers
    }
  }

  var isList: Bool {
    switch self {
    case .list, .fixedSizeList: true
    default: false
    }
  }

  /// The type in words.
  package var words: String {
    switch self {
    case .text, .textView: "text"
    case .otherView: "bytes"
    case .integer: "whole numbers"
    case .float: "floating-point numbers"
    case .list, .fixedSizeList: "lists"
    case .other(let words, _): words
    }
  }
}
