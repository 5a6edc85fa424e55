// The JSON of a safetensors header, read strictly: one object of tensors, with metadata of strings
// under "__metadata__". Unlike a general JSON reader it refuses a name that occurs twice.

/// What a header states, nothing proven yet.
struct HeaderText {
  var tensors: [TensorDeclaration] = []
  var metadata: [String: String] = [:]

  /// Reads the text of a header; `offset` is where it begins in the file.
  init(_ text: Span<UInt8>, offset: Int, path: String) throws(SafetensorsError) {
    var scanner = JSONScanner(text)
    do { try read(&scanner) } catch {
      throw .malformedHeader(path: path, offset: offset + error.offset, problem: error.what)
    }
  }

  private mutating func read(_ scanner: inout JSONScanner) throws(JSONProblem) {
    var key: [UInt8] = []
    var hasMetadata = false
    try scanner.openObject()
    while try scanner.nextMember(&key) {
      let name = try scanner.checked(key)
      if name != "__metadata__" {
        tensors.append(try TensorDeclaration(name, &scanner))
      } else {
        guard !hasMetadata else { throw scanner.problem("__metadata__ comes twice") }
        hasMetadata = true
        metadata = try HeaderText.readMetadata(&scanner)
      }
    }
    scanner.skipSpace()
    guard scanner.isAtEnd else { throw scanner.problem("expected nothing but spaces") }
  }

  private static func readMetadata(
    _ scanner: inout JSONScanner
  ) throws(JSONProblem) -> [String: String] {
    var metadata: [String: String] = [:]
    var bytes: [UInt8] = []
    try scanner.openObject()
    while try scanner.nextMember(&bytes) {
      let key = try scanner.checked(bytes)
      guard metadata[key] == nil else { throw scanner.problem("the key \(key) comes twice") }
      metadata[key] = try scanner.text()
    }
    return metadata
  }
}

/// A tensor as the header states it.
struct TensorDeclaration {
  var name: String
  var type: String
  var shape: [Int]
  var begin: Int
  var end: Int

  /// Reads the object of one tensor.
  fileprivate init(_ name: String, _ scanner: inout JSONScanner) throws(JSONProblem) {
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    var bytes: [UInt8] = []
    try scanner.openObject()
    while try scanner.nextMember(&bytes) {
      switch try scanner.checked(bytes) {
      case "dtype" where type == nil: type = try scanner.text()
      case "shape" where shape == nil: shape = try scanner.counts()
      case "data_offsets" where offsets == nil: offsets = try scanner.counts()
      case let key: throw scanner.problem("\(key) of \(name) is unknown or comes twice")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw scanner.problem("\(name) needs dtype, shape and two data_offsets")
    }
    self.name = name
    self.type = type
    self.shape = shape
    begin = offsets[0]
    end = offsets[1]
  }

  /// The tensor, once type, shape and range agree.
  func entry(payloadStart: Int, path: String) throws(SafetensorsError) -> TensorEntry {
    guard let type = TensorType(rawValue: type) else {
      throw .unknownType(path: path, tensor: name, type: type)
    }
    var needed = type.byteCount
    for size in shape {
      let (product, overflows) = needed.multipliedReportingOverflow(by: size)
      guard !overflows else { throw .shapeTooLarge(path: path, tensor: name, shape: shape) }
      needed = product
    }
    // The scanner reads at most 18 digits, so neither difference nor sum can overflow.
    guard end - begin == needed else {
      throw .wrongSize(path: path, tensor: name, type: type, shape: shape, byteCount: end - begin)
    }
    return TensorEntry(
      name: name, type: type, shape: shape, range: payloadStart + begin..<payloadStart + end)
  }
}

extension JSONScanner {
  /// Reads a list of whole numbers that are not negative.
  @_lifetime(self: copy self)
  fileprivate mutating func counts() throws(JSONProblem) -> [Int] {
    var values: [Int] = []
    try openArray()
    while try nextElement() {
      let start = position
      let value = try integer()
      guard value >= 0 else { throw problem("expected a number that is not negative", at: start) }
      values.append(value)
    }
    return values
  }
}
