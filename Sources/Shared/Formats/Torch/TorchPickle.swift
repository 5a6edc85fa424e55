// The pickle in a file of torch.save, read for tensors alone. Comes in: its bytes. Leaves: names of tensors,
// each with its storage, place and shape. Nothing is called and nothing imported: the few instructions and
// names that a state_dict consists of are understood here, any other is refused by its name.

/// Reads one pickle.
struct TorchPickle: ~Escapable {
  static let byteLimit = 16 << 20
  /// Values that are kept at once: on the stack, noted, and in what holds others.
  static let valueLimit = 1 << 20
  /// Bytes of the name of a tensor or storage.
  private static let textLimit = 4096

  private typealias Value = PickleValue

  private var bytes: PickleBytes
  private var stack: [Value] = []
  private var memo: [Int: Value] = [:]
  /// The parts of all tuples.
  private var parts: [Value] = []
  private var containers: [[(key: Value, value: Value)]] = []
  private var storages: [PickledStorage] = []
  private var tensors: [PickledTensor] = []
  /// Members of all dictionaries and lists.
  private var memberCount = 0

  /// Reads the pickle that begins at `start` of the file `file`.
  @_lifetime(copy file)
  init(_ file: RawSpan, from start: Int = 0, path: String) throws(PickleError) {
    bytes = PickleBytes(file, from: start, path: path)
    try run()
  }

  // MARK: - What was read

  /// The first byte behind the pickle.
  var end: Int { bytes.offset }

  private var root: Value { stack.last ?? .none }

  private func members(_ value: Value) -> [(key: Value, value: Value)]? {
    if case .items(let number) = value { containers[number] } else { nil }
  }

  /// A text of at most `textLimit` bytes.
  private func text(_ value: Value) -> String? {
    guard case .text(let range) = value, range.count <= TorchPickle.textLimit else { return nil }
    return bytes.text(range)
  }

  /// The tensors of a dictionary of tensors.
  func named() throws(PickleError) -> [(name: String, tensor: PickledTensor)] {
    guard let members = members(root), !members.contains(where: { $0.key.isNone }) else {
      throw .notTensors(path: bytes.path, key: "what it holds")
    }
    var named: [(name: String, tensor: PickledTensor)] = []
    for (key, value) in members {
      guard let name = text(key) else { throw .notTensors(path: bytes.path, key: "a key of it") }
      guard case .tensor(let number) = value else {
        throw .notTensors(path: bytes.path, key: name)
      }
      named.append((name, tensors[number]))
    }
    return named
  }

  /// The texts of a list of texts.
  func texts() throws(PickleError) -> [String] {
    guard let members = members(root) else { throw bytes.malformed }
    let texts = members.compactMap { text($0.value) }
    guard texts.count == members.count else { throw bytes.malformed }
    return texts
  }

  /// The value of a flag in a dictionary; nil where it has none.
  func flag(_ name: String) -> Bool? {
    for (key, value) in members(root) ?? [] where text(key) == name {
      if case .flag(let flag) = value { return flag }
    }
    return nil
  }

  // MARK: - Instructions

  private mutating func run() throws(PickleError) {
    while true {
      let start = bytes.offset
      let code = try UInt8(bytes.number(1))
      if code == UInt8(ascii: ".") {
        guard !stack.isEmpty else { throw bytes.malformed }
        return
      }
      if try !push(code, from: start), try !build(code, from: start), try !remember(code) {
        throw .instruction(
          path: bytes.path, name: PickleInstruction.name(code), offset: start)
      }
      // Tensors and storages are larger than other values.
      let held = max(
        stack.count, memo.count, parts.count, memberCount + containers.count,
        4 * storages.count, 8 * tensors.count)
      guard held <= TorchPickle.valueLimit else {
        throw .tooManyValues(path: bytes.path, offset: start)
      }
    }
  }

  /// Instructions that push what they say.
  private mutating func push(_ code: UInt8, from start: Int) throws(PickleError) -> Bool {
    switch code {
    case 0x80: _ = try bytes.number(1)  // PROTO
    case 0x95: _ = try bytes.number(8)  // FRAME
    case UInt8(ascii: "("): stack.append(.mark)
    case UInt8(ascii: "N"): stack.append(.none)
    case UInt8(ascii: "}"), UInt8(ascii: "]"): stack.append(container())
    case UInt8(ascii: ")"): stack.append(.tuple(0..<0))
    case 0x88: stack.append(.flag(true))
    case 0x89: stack.append(.flag(false))
    case UInt8(ascii: "G"):
      _ = try bytes.number(8)
      stack.append(.other)
    case UInt8(ascii: "K"): stack.append(.number(try bytes.number(1)))
    case UInt8(ascii: "M"): stack.append(.number(try bytes.number(2)))
    case UInt8(ascii: "J"):
      stack.append(.number(Int(Int32(truncatingIfNeeded: try bytes.number(4)))))
    case 0x8A: stack.append(try bytes.longNumber().map { .number($0) } ?? .other)  // LONG1
    case UInt8(ascii: "X"), UInt8(ascii: "T"): try pushText(countOf: 4)
    case 0x8C, UInt8(ascii: "U"): try pushText(countOf: 1)
    case UInt8(ascii: "c"):
      let module = try bytes.line()
      stack.append(try named(module, bytes.line(), from: start))
    default: return false
    }
    return true
  }

  private mutating func pushText(countOf: Int) throws(PickleError) {
    stack.append(.text(try bytes.take(bytes.number(countOf))))
  }

  /// Instructions that put together what is on the stack.
  private mutating func build(_ code: UInt8, from start: Int) throws(PickleError) -> Bool {
    switch code {
    case UInt8(ascii: "t"): stack.append(tuple(try popToMark()))
    case 0x85...0x87:  // TUPLE1 to TUPLE3
      var parts: [Value] = []
      for _ in 0..<Int(code - 0x84) { parts.append(try pop()) }
      stack.append(tuple(parts.reversed()))
    case UInt8(ascii: "s"):
      let value = try pop()
      try add([try pop(), value])
    case UInt8(ascii: "u"): try add(try popToMark())
    case UInt8(ascii: "a"): try add([.none, try pop()])
    case UInt8(ascii: "e"): try add(try popToMark().flatMap { [.none, $0] })
    case UInt8(ascii: "b"):
      // The versions that torch notes of the modules of a state_dict.
      _ = try pop()
      guard case .items = stack.last else { throw bytes.malformed }
    case 0x93:  // STACK_GLOBAL
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw bytes.malformed
      }
      stack.append(try named(module, name, from: start))
    case UInt8(ascii: "Q"): stack.append(try storage(try pop()))
    case UInt8(ascii: "R"):
      let arguments = try pop()
      stack.append(try made(by: try pop(), of: arguments))
    default: return false
    }
    return true
  }

  /// Instructions that note the uppermost value, or push one that was noted.
  private mutating func remember(_ code: UInt8) throws(PickleError) -> Bool {
    switch code {
    case UInt8(ascii: "q"): try note(at: bytes.number(1))
    case UInt8(ascii: "r"): try note(at: bytes.number(4))
    case 0x94: try note(at: memo.count)  // MEMOIZE
    case UInt8(ascii: "h"): try recall(bytes.number(1))
    case UInt8(ascii: "j"): try recall(bytes.number(4))
    default: return false
    }
    return true
  }

  private mutating func note(at index: Int) throws(PickleError) {
    guard let top = stack.last else { throw bytes.malformed }
    memo[index] = top
  }

  private mutating func recall(_ index: Int) throws(PickleError) {
    guard let value = memo[index] else { throw bytes.malformed }
    stack.append(value)
  }

  // MARK: - Values

  private func named(
    _ module: Range<Int>, _ name: Range<Int>, from start: Int
  ) throws(PickleError) -> Value {
    let full = bytes.text(module) + "." + bytes.text(name)
    if let maker = PickleMaker(rawValue: full) { return .maker(maker) }
    if let type = PickledStorage.types[full] { return .storageType(type) }
    throw .foreignName(path: bytes.path, name: full, offset: start)
  }

  private mutating func container() -> Value {
    containers.append([])
    return .items(containers.count - 1)
  }

  private mutating func tuple(_ values: [Value]) -> Value {
    let start = parts.count
    parts.append(contentsOf: values)
    return .tuple(start..<parts.count)
  }

  /// Adds keys and values, by turns, to the uppermost dictionary or list.
  private mutating func add(_ values: [Value]) throws(PickleError) {
    guard case .items(let number) = stack.last, values.count % 2 == 0 else { throw bytes.malformed }
    for index in stride(from: 0, to: values.count, by: 2) {
      containers[number].append((values[index], values[index + 1]))
    }
    memberCount += values.count / 2
  }

  private func list(_ value: Value) -> [Value]? {
    switch value {
    case .tuple(let range): Array(parts[range])
    case .items(let number): containers[number].map(\.value)
    default: nil
    }
  }

  /// What a name makes of its arguments.
  private mutating func made(
    by maker: Value, of arguments: Value
  ) throws(PickleError) -> Value {
    guard case .maker(let maker) = maker, case .tuple(let range) = arguments, range.count <= 8
    else { throw bytes.malformed }
    let arguments = Array(parts[range])
    switch maker {
    case .dictionary: return try dictionary(arguments)
    case .tensor:
      tensors.append(try tensor(arguments))
      return .tensor(tensors.count - 1)
    case .parameter:
      guard let first = arguments.first, case .tensor = first else { throw bytes.malformed }
      return first
    }
  }

  /// An OrderedDict of nothing, or of a list of pairs, as Python 2 wrote it.
  private mutating func dictionary(_ arguments: [Value]) throws(PickleError) -> Value {
    guard let first = arguments.first else { return container() }
    guard arguments.count == 1, let pairs = list(first) else { throw bytes.malformed }
    var members: [(key: Value, value: Value)] = []
    for pair in pairs {
      guard let both = list(pair), both.count == 2 else { throw bytes.malformed }
      members.append((both[0], both[1]))
    }
    containers.append(members)
    memberCount += members.count
    return .items(containers.count - 1)
  }

  private func tensor(_ arguments: [Value]) throws(PickleError) -> PickledTensor {
    guard arguments.count >= 4, case .storage(let number) = arguments[0],
      case .number(let offset) = arguments[1], let shape = sizes(arguments[2]),
      let strides = sizes(arguments[3]), offset >= 0, shape.count == strides.count
    else { throw bytes.malformed }
    return PickledTensor(
      storage: storages[number], offset: offset, shape: shape, strides: strides)
  }

  private func sizes(_ value: Value) -> [Int]? {
    guard case .tuple(let range) = value, range.count <= 8 else { return nil }
    let sizes = parts[range].compactMap { part -> Int? in
      if case .number(let number) = part, number >= 0 { number } else { nil }
    }
    return sizes.count == range.count ? sizes : nil
  }

  /// The storage of a persistent id: ("storage", its type, its name, where it was, its elements), in the
  /// older form with the part of it that is meant: its name, its first element, its elements.
  private mutating func storage(_ identifier: Value) throws(PickleError) -> Value {
    guard case .tuple(let range) = identifier, 5...6 ~= range.count else { throw bytes.malformed }
    let parts = Array(parts[range])
    guard text(parts[0]) == "storage", case .storageType(let type) = parts[1],
      let key = text(parts[2]), case .number(let count) = parts[4], count >= 0
    else { throw bytes.malformed }
    var view = 0..<count
    if let last = parts.dropFirst(5).first, case .tuple(let range) = last {
      let described = Array(self.parts[range])
      guard described.count == 3, case .number(let first) = described[1],
        case .number(let size) = described[2], first >= 0, size >= 0, first <= count,
        size <= count - first
      else { throw bytes.malformed }
      view = first..<first + size
    }
    storages.append(PickledStorage(type: type, key: key, count: count, view: view))
    return .storage(storages.count - 1)
  }

  // MARK: - Stack

  private mutating func pop() throws(PickleError) -> Value {
    guard let value = stack.popLast() else { throw bytes.malformed }
    return value
  }

  private mutating func popToMark() throws(PickleError) -> [Value] {
    let mark = stack.lastIndex { if case .mark = $0 { true } else { false } }
    guard let mark else { throw bytes.malformed }
    let values = Array(stack[(mark + 1)...])
    stack.removeSubrange(mark...)
    return values
  }
}
