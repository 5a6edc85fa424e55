// What a tensor in a safetensors file looks like from outside: the type of its numbers, its shape
// and the bytes it takes.

/// The number types of a safetensors file; the raw value is the name in the header.
package enum TensorType: String, Sendable, CaseIterable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  /// Bytes of one number.
  package var byteCount: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// Bytes of `width` numbers of an activation, with the scale that a row of I8 has.
  package func rowByteCount(_ width: Int) -> Int {
    width * byteCount + (self == .int8 ? TensorType.float32.byteCount : 0)
  }

  /// The narrower of U16 and U32 that holds every number below `bound`.
  package static func unsigned(below bound: Int) -> TensorType {
    bound <= 1 << 16 ? .uint16 : .uint32
  }
}

/// A tensor of a safetensors file.
package struct TensorEntry: Sendable, Equatable {
  package let name: String
  package let type: TensorType
  package let shape: [Int]
  /// Its bytes, counted from the start of the file.
  package let range: Range<Int>

  package init(name: String, type: TensorType, shape: [Int], range: Range<Int>) {
    self.name = name
    self.type = type
    self.shape = shape
    self.range = range
  }

  /// The number of elements.
  package var count: Int { range.count / type.byteCount }
}
