// What a pickle of tensors consists of. Values are small and refer to what the pickle holds by number, so that
// none is nested in another: neither depth nor a circle of them costs anything.

/// A value of a pickle, on its stack or noted.
enum PickleValue: Sendable {
  case mark
  case none
  case flag(Bool)
  case number(Int)
  /// A value that tells nothing of a tensor.
  case other
  /// Its bytes in the pickle.
  case text(Range<Int>)
  /// Its parts among all parts of tuples.
  case tuple(Range<Int>)
  /// The number of a dictionary or list.
  case items(Int)
  case maker(PickleMaker)
  case storageType(TensorType)
  case storage(Int)
  case tensor(Int)

  /// Whether it is the key that members of lists have here.
  var isNone: Bool { if case .none = self { true } else { false } }
}

/// What a pickle may call.
enum PickleMaker: String, Sendable {
  case dictionary = "collections.OrderedDict"
  case tensor = "torch._utils._rebuild_tensor_v2"
  case parameter = "torch._utils._rebuild_parameter"
}

/// Numbers that tensors lie in.
struct PickledStorage: Sendable, Equatable {
  let type: TensorType
  /// The name of its entry in the archive, or its key.
  let key: String
  /// Elements of the whole storage.
  let count: Int
  /// The elements that are meant, where a file has views of storages.
  let view: Range<Int>

  /// The types that torch writes, by their names in a pickle.
  static let types: [String: TensorType] = [
    "torch.DoubleStorage": .float64, "torch.FloatStorage": .float32, "torch.HalfStorage": .float16,
    "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
    "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8,
    "torch.BoolStorage": .bool,
  ]
}

/// A tensor as a pickle describes it.
struct PickledTensor: Sendable, Equatable {
  let storage: PickledStorage
  /// In elements of the storage's view.
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

/// The instructions that are refused by the names that Python's pickletools has for them.
enum PickleInstruction {
  static func name(_ code: UInt8) -> String {
    names[code] ?? "0x" + String(code, radix: 16, uppercase: true)
  }

  private static let names: [UInt8: String] = [
    UInt8(ascii: "i"): "INST", UInt8(ascii: "o"): "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX",
    0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", UInt8(ascii: "P"): "PERSID",
    UInt8(ascii: "I"): "INT", UInt8(ascii: "L"): "LONG", UInt8(ascii: "F"): "FLOAT",
    UInt8(ascii: "S"): "STRING", UInt8(ascii: "V"): "UNICODE", UInt8(ascii: "B"): "BINBYTES",
    UInt8(ascii: "C"): "SHORT_BINBYTES",
    0x8B: "LONG4", 0x8D: "BINUNICODE8", 0x8E: "BINBYTES8", 0x96: "BYTEARRAY8",
    0x8F: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", UInt8(ascii: "0"): "POP",
    UInt8(ascii: "1"): "POP_MARK", UInt8(ascii: "2"): "DUP", UInt8(ascii: "d"): "DICT",
    UInt8(ascii: "l"): "LIST", UInt8(ascii: "p"): "PUT", UInt8(ascii: "g"): "GET",
    0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
  ]
}
