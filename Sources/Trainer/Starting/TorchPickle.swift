// The pickle in a file of torch.save, read for tensors alone. Comes in: its bytes. Leaves: names of tensors,
// each with its storage, place and shape. Nothing is called and nothing imported: the few instructions and
// names that a state_dict consists of are understood here, any other is refused by its name.

import Shared

/// Why a pickle is refused.
package enum PickleError: Failure, Equatable {
  case instruction(path: String, name: String, offset: Int)
  case foreignName(path: String, name: String)
  case malformed(path: String, offset: Int)
  case notTensors(path: String, key: String)
  case tooLarge(path: String, byteCount: Int)

  package var sentence: String {
    switch self {
    case .instruction(let path, let name, let offset):
      "\(path): the pickle has the instruction \(name) at byte \(offset), which no file of tensors "
        + "needs."
    case .foreignName(let path, let name):
      "\(path): the pickle names \(name), which is neither a tensor nor a part of one."
    case .malformed(let path, let offset): "\(path): the pickle is malformed at byte \(offset)."
    case .notTensors(let path, let key): "\(path): \(key) is no tensor."
    case .tooLarge(let path, let byteCount):
      "\(path) has a pickle of \(byteCount) bytes; at most \(TorchPickle.byteLimit) are read."
    }
  }

  package var hint: String? {
    "Save the weights alone: torch.save(sae.state_dict(), \"ae.pt\")."
  }
}

/// A tensor as a pickle describes it.
struct PickledTensor: Sendable, Equatable {
  let type: TensorType
  /// The name of the entry of the archive with its storage.
  let storage: String
  /// Elements that the storage has.
  let storageCount: Int
  /// In elements.
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

/// Reads one pickle.
struct TorchPickle {
  static let byteLimit = 1 << 20

  /// What lies on the stack.
  private indirect enum Value {
    case mark
    case none
    case number(Int)
    case other
    case text(String)
    case tuple([Value])
    case items(Items)
    case name(String)
    case storage(TensorType, key: String, count: Int)
    case tensor(PickledTensor)
  }

  /// A dictionary or list, which the pickle fills after it was made.
  private final class Items {
    var pairs: [(key: Value, value: Value)] = []
  }

  private let bytes: [UInt8]
  private let path: String
  private var place = 0
  private var stack: [Value] = []
  private var memo: [Int: Value] = [:]

  /// The tensors of a dictionary of tensors.
  static func tensors(_ bytes: [UInt8], path: String) throws(PickleError) -> [String: PickledTensor]
  {
    guard bytes.count <= byteLimit else { throw .tooLarge(path: path, byteCount: bytes.count) }
    var pickle = TorchPickle(bytes, path)
    guard case .items(let items) = try pickle.run() else {
      throw .notTensors(path: path, key: "what it holds")
    }
    var tensors: [String: PickledTensor] = [:]
    for (key, value) in items.pairs {
      guard case .text(let name) = key, case .tensor(let tensor) = value else {
        if case .text(let name) = key { throw .notTensors(path: path, key: name) }
        throw .notTensors(path: path, key: "a key of it")
      }
      tensors[name] = tensor
    }
    return tensors
  }

  private init(_ bytes: [UInt8], _ path: String) {
    self.bytes = bytes
    self.path = path
  }

  private var malformed: PickleError { .malformed(path: path, offset: place) }

  // MARK: - Instructions

  private mutating func run() throws(PickleError) -> Value {
    while true {
      let start = place
      let code = try UInt8(number(1))
      if code == UInt8(ascii: ".") { return try pop() }
      if try !push(code), try !build(code), try !remember(code) {
        throw .instruction(path: path, name: TorchPickle.name(code), offset: start)
      }
    }
  }

  /// Instructions that push what they say.
  private mutating func push(_ code: UInt8) throws(PickleError) -> Bool {
    switch code {
    case 0x80: _ = try number(1)  // PROTO
    case 0x95: _ = try number(8)  // FRAME
    case UInt8(ascii: "("): stack.append(.mark)
    case UInt8(ascii: "N"): stack.append(.none)
    case UInt8(ascii: "}"), UInt8(ascii: "]"): stack.append(.items(Items()))
    case UInt8(ascii: ")"): stack.append(.tuple([]))
    case 0x88, 0x89: stack.append(.other)  // NEWTRUE, NEWFALSE
    case UInt8(ascii: "G"):
      _ = try number(8)
      stack.append(.other)
    case UInt8(ascii: "K"): stack.append(.number(try number(1)))
    case UInt8(ascii: "M"): stack.append(.number(try number(2)))
    case UInt8(ascii: "J"):
      stack.append(.number(Int(Int32(truncatingIfNeeded: try number(4)))))
    case 0x8A: stack.append(.number(try longNumber()))
    case UInt8(ascii: "X"): stack.append(.text(try text(try number(4))))
    case 0x8C: stack.append(.text(try text(try number(1))))
    case UInt8(ascii: "c"):
      let module = try line()
      stack.append(try named(module, line()))
    default: return false
    }
    return true
  }

  /// Instructions that put together what is on the stack.
  private mutating func build(_ code: UInt8) throws(PickleError) -> Bool {
    switch code {
    case UInt8(ascii: "t"): stack.append(.tuple(try popToMark()))
    case 0x85...0x87:  // TUPLE1 to TUPLE3
      var parts: [Value] = []
      for _ in 0..<Int(code - 0x84) { parts.append(try pop()) }
      stack.append(.tuple(parts.reversed()))
    case UInt8(ascii: "s"):
      let value = try pop()
      let key = try pop()
      try items().pairs.append((key, value))
    case UInt8(ascii: "u"):
      let parts = try popToMark()
      guard parts.count % 2 == 0 else { throw malformed }
      let target = try items()
      for index in stride(from: 0, to: parts.count, by: 2) {
        target.pairs.append((parts[index], parts[index + 1]))
      }
    case UInt8(ascii: "a"):
      let value = try pop()
      try items().pairs.append((.none, value))
    case UInt8(ascii: "e"):
      let parts = try popToMark()
      let target = try items()
      for part in parts { target.pairs.append((.none, part)) }
    case UInt8(ascii: "b"):
      // The versions that torch notes of the modules of a state_dict.
      _ = try pop()
      guard case .items = stack.last else { throw malformed }
    case 0x93:  // STACK_GLOBAL
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw malformed
      }
      stack.append(try named(module, name))
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
    case UInt8(ascii: "q"): try note(at: number(1))
    case UInt8(ascii: "r"): try note(at: number(4))
    case 0x94: try note(at: memo.count)  // MEMOIZE
    case UInt8(ascii: "h"): try recall(number(1))
    case UInt8(ascii: "j"): try recall(number(4))
    default: return false
    }
    return true
  }

  private mutating func note(at index: Int) throws(PickleError) {
    guard let top = stack.last else { throw malformed }
    memo[index] = top
  }

  private mutating func recall(_ index: Int) throws(PickleError) {
    guard let value = memo[index] else { throw malformed }
    stack.append(value)
  }

  // MARK: - Values

  private func named(_ module: String, _ name: String) throws(PickleError) -> Value {
    let full = module + "." + name
    guard TorchPickle.makers.contains(full) || TorchPickle.storages[full] != nil else {
      throw .foreignName(path: path, name: full)
    }
    return .name(full)
  }

  private static let makers: Set = [
    "collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
  ]

  private static let storages: [String: TensorType] = [
    "torch.DoubleStorage": .float64, "torch.FloatStorage": .float32, "torch.HalfStorage": .float16,
    "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
    "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8,
    "torch.BoolStorage": .bool,
  ]

  /// What a name makes of its arguments.
  private func made(by maker: Value, of arguments: Value) throws(PickleError) -> Value {
    guard case .name(let name) = maker, case .tuple(let parts) = arguments else { throw malformed }
    switch name {
    case "collections.OrderedDict":
      guard parts.isEmpty else { throw malformed }
      return .items(Items())
    case "torch._utils._rebuild_tensor_v2": return .tensor(try tensor(parts))
    case "torch._utils._rebuild_parameter":
      guard let first = parts.first, case .tensor = first else { throw malformed }
      return first
    default: throw malformed
    }
  }

  private func tensor(_ parts: [Value]) throws(PickleError) -> PickledTensor {
    guard parts.count >= 4, case .storage(let type, let key, let count) = parts[0],
      case .number(let offset) = parts[1], let shape = TorchPickle.numbers(parts[2]),
      let strides = TorchPickle.numbers(parts[3]), offset >= 0, shape.count == strides.count
    else { throw malformed }
    return PickledTensor(
      type: type, storage: key, storageCount: count, offset: offset, shape: shape, strides: strides)
  }

  private static func numbers(_ value: Value) -> [Int]? {
    guard case .tuple(let parts) = value, parts.count <= 8 else { return nil }
    let numbers = parts.compactMap { part -> Int? in
      if case .number(let number) = part, number >= 0 { number } else { nil }
    }
    return numbers.count == parts.count ? numbers : nil
  }

  /// The storage of a persistent id: ("storage", its type, its name, where it was, its elements).
  private func storage(_ identifier: Value) throws(PickleError) -> Value {
    guard case .tuple(let parts) = identifier, parts.count == 5,
      case .text("storage") = parts[0], case .name(let name) = parts[1],
      case .text(let key) = parts[2], case .number(let count) = parts[4], count >= 0,
      let type = TorchPickle.storages[name]
    else { throw malformed }
    return .storage(type, key: key, count: count)
  }

  // MARK: - Stack and bytes

  private mutating func pop() throws(PickleError) -> Value {
    guard let value = stack.popLast() else { throw malformed }
    return value
  }

  private mutating func popToMark() throws(PickleError) -> [Value] {
    let mark = stack.lastIndex { if case .mark = $0 { true } else { false } }
    guard let mark else { throw malformed }
    let parts = Array(stack[(mark + 1)...])
    stack.removeSubrange(mark...)
    return parts
  }

  private func items() throws(PickleError) -> Items {
    guard case .items(let items) = stack.last else { throw malformed }
    return items
  }

  private mutating func number(_ count: Int) throws(PickleError) -> Int {
    guard count <= bytes.count - place else { throw malformed }
    let part = bytes[place..<place + count]
    place += count
    return Int(truncatingIfNeeded: part.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  /// A number of up to eight bytes with a sign.
  private mutating func longNumber() throws(PickleError) -> Int {
    let count = try number(1)
    guard count <= 8 else { throw malformed }
    let value = try number(count)
    let unused = 64 - 8 * count
    return count == 0 ? 0 : (value << unused) >> unused
  }

  private mutating func text(_ count: Int) throws(PickleError) -> String {
    guard count <= bytes.count - place else { throw malformed }
    defer { place += count }
    return String(decoding: bytes[place..<place + count], as: UTF8.self)
  }

  private mutating func line() throws(PickleError) -> String {
    guard let end = bytes[place...].firstIndex(of: 0x0A) else { throw malformed }
    defer { place = end + 1 }
    return String(decoding: bytes[place..<end], as: UTF8.self)
  }

  /// The name of an instruction that is refused, as Python's pickletools has it.
  private static func name(_ code: UInt8) -> String {
    names[code] ?? "0x" + String(code, radix: 16, uppercase: true)
  }

  private static let names: [UInt8: String] = [
    UInt8(ascii: "i"): "INST", UInt8(ascii: "o"): "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX",
    0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", UInt8(ascii: "P"): "PERSID",
    UInt8(ascii: "I"): "INT", UInt8(ascii: "L"): "LONG", UInt8(ascii: "F"): "FLOAT",
    UInt8(ascii: "S"): "STRING", UInt8(ascii: "T"): "BINSTRING",
    UInt8(ascii: "U"): "SHORT_BINSTRING",
    UInt8(ascii: "V"): "UNICODE", UInt8(ascii: "B"): "BINBYTES",
    UInt8(ascii: "C"): "SHORT_BINBYTES",
    0x8B: "LONG4", 0x8D: "BINUNICODE8", 0x8E: "BINBYTES8", 0x96: "BYTEARRAY8",
    0x8F: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", UInt8(ascii: "0"): "POP",
    UInt8(ascii: "1"): "POP_MARK", UInt8(ascii: "2"): "DUP", UInt8(ascii: "d"): "DICT",
    UInt8(ascii: "l"): "LIST", UInt8(ascii: "p"): "PUT", UInt8(ascii: "g"): "GET",
    0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
  ]
}
