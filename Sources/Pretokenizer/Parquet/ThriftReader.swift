// Thrift's compact protocol, the encoding of Parquet's metadata. Comes in: bytes that nobody has
// checked. Leaves: fields; what is not asked for is passed over.

/// Metadata that makes no sense at a place of its bytes.
struct ThriftProblem: Error, Equatable {
  let offset: Int
}

/// A cursor over compact Thrift.
struct ThriftReader {
  /// The types of fields and elements.
  enum Kind: UInt8 {
    case yes = 1
    case no, byte, short, int, long, double, binary, list, set, map, structure
  }

  private let bytes: [UInt8]
  private(set) var position: Int

  /// Structures may lie so deep in each other.
  private static let depthLimit = 32

  /// Reads from `start` on.
  init(_ bytes: [UInt8], from start: Int = 0) {
    self.bytes = bytes
    position = start
  }

  private var problem: ThriftProblem { ThriftProblem(offset: position) }

  private mutating func byte() throws(ThriftProblem) -> UInt8 {
    guard position < bytes.count else { throw problem }
    position += 1
    return bytes[position - 1]
  }

  private mutating func unsigned() throws(ThriftProblem) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      let next = try byte()
      value |= UInt64(next & 0x7F) << shift
      if next < 0x80 { return value }
    }
    throw problem
  }

  /// A whole number of any width.
  mutating func integer() throws(ThriftProblem) -> Int {
    let value = try unsigned()
    return Int(bitPattern: UInt(value >> 1)) ^ -Int(value & 1)
  }

  /// A whole number that the format keeps in 32 bits.
  mutating func small() throws(ThriftProblem) -> Int {
    let value = try integer()
    guard Int32(exactly: value) != nil else { throw problem }
    return value
  }

  mutating func text() throws(ThriftProblem) -> String {
    let count = try count()
    position += count
    return String(decoding: bytes[position - count..<position], as: UTF8.self)
  }

  /// A number of things that follow and take a byte each at least.
  private mutating func count() throws(ThriftProblem) -> Int {
    let stated = try unsigned()
    return try fitting(stated)
  }

  /// The same, of a number that was read before the call: what a call is made on is taken before its
  /// arguments are.
  private func fitting(_ stated: UInt64) throws(ThriftProblem) -> Int {
    guard stated <= UInt64(bytes.count - position) else { throw problem }
    return Int(stated)
  }

  /// Calls `element` for each element of a list.
  mutating func list(_ element: (inout ThriftReader) throws -> Void) throws {
    for _ in 0..<(try listHeader().count) { try element(&self) }
  }

  /// The number of structures in a list, whose first one is next.
  mutating func structureCount() throws(ThriftProblem) -> Int {
    let (count, kind) = try listHeader()
    guard kind == .structure || count == 0 else { throw problem }
    return count
  }

  /// Passes over a structure.
  mutating func skipStructure() throws(ThriftProblem) { try skip(.structure, depth: 0) }

  private mutating func listHeader() throws(ThriftProblem) -> (count: Int, kind: Kind) {
    let head = try byte()
    guard let kind = Kind(rawValue: head & 0x0F) else { throw problem }
    let stated = head >> 4 == 15 ? try unsigned() : UInt64(head >> 4)
    return (try fitting(stated), kind)
  }

  /// Calls `field` with the number and kind of each field of a structure; false passes it over.
  mutating func structure(
    _ field: (inout ThriftReader, _ number: Int, _ kind: Kind) throws -> Bool
  ) throws {
    var number = 0
    while let kind = try nextField(&number) {
      if try !field(&self, number, kind) { try skip(kind, depth: 0) }
    }
  }

  private mutating func nextField(_ number: inout Int) throws(ThriftProblem) -> Kind? {
    let head = try byte()
    if head == 0 { return nil }
    guard let kind = Kind(rawValue: head & 0x0F) else { throw problem }
    if head >> 4 == 0 { number = try small() } else { number &+= Int(head >> 4) }
    return kind
  }

  private mutating func skip(_ kind: Kind, depth: Int) throws(ThriftProblem) {
    guard depth < ThriftReader.depthLimit else { throw problem }
    switch kind {
    case .yes, .no: break
    case .byte: _ = try byte()
    case .short, .int, .long: _ = try unsigned()
    case .double:
      guard position <= bytes.count - 8 else { throw problem }
      position += 8
    case .binary:
      let count = try count()
      position += count
    case .list, .set:
      let (count, kind) = try listHeader()
      for _ in 0..<count { try skipElement(kind, depth: depth + 1) }
    case .map:
      let count = try count()
      guard count > 0 else { return }
      let kinds = try byte()
      guard let key = Kind(rawValue: kinds >> 4), let value = Kind(rawValue: kinds & 0x0F) else {
        throw problem
      }
      for _ in 0..<count {
        try skipElement(key, depth: depth + 1)
        try skipElement(value, depth: depth + 1)
      }
    case .structure:
      var number = 0
      while let inner = try nextField(&number) { try skip(inner, depth: depth + 1) }
    }
  }

  /// Elements that are true or false take a byte, where fields take none.
  private mutating func skipElement(_ kind: Kind, depth: Int) throws(ThriftProblem) {
    if kind == .yes || kind == .no { _ = try byte() } else { try skip(kind, depth: depth) }
  }
}
