// What can be wrong with a token or activation shard beyond its container.

/// Why a shard is refused.
package enum ShardError: Failure, Equatable {
  /// A file of another kind, or of a format version that is not known.
  case wrongFormat(path: String, found: String?, expected: String)
  case malformedMetadata(path: String, key: String, value: String?)
  /// A file that another program made shorter after it was opened.
  case cutShort(path: String, wanted: Int, byteCount: Int)

  package var sentence: String {
    switch self {
    case .wrongFormat(let path, let found?, let expected):
      "\(path) has the format \(found) where \(expected) is expected."
    case .wrongFormat(let path, nil, let expected):
      "\(path) does not say its format; \(expected) is expected."
    case .malformedMetadata(let path, let key, let value?):
      "\(path): the metadata key \(key) has the value “\(value)”, which does not fit the tensors."
    case .malformedMetadata(let path, let key, nil):
      "\(path): the metadata key \(key) is missing."
    case .cutShort(let path, let wanted, let byteCount):
      "\(path) was cut short while it was read: it ends at byte \(byteCount) instead of \(wanted)."
    }
  }

  package var hint: String? {
    switch self {
    case .wrongFormat(let path, _, _), .malformedMetadata(let path, _, _):
      "Delete the folder \(folder(of: path)) and run the stage that made it again."
    case .cutShort:
      "Run saeline-cache again, which makes the shard anew, then this command."
    }
  }
}

/// The metadata keys of shards.
enum ShardKey {
  static let format = "saeline.format"
  static let rows = "saeline.rows"
}

extension SafetensorsHeader {
  /// Refuses a file of another format.
  func checkFormat(_ expected: String, path: String) throws(ShardError) {
    let found = metadata[ShardKey.format]
    guard found == expected else {
      throw .wrongFormat(path: path, found: found, expected: expected)
    }
  }

  /// Refuses a file whose metadata states another number of rows than its tensors have.
  func checkRows(_ expected: Int, path: String) throws(ShardError) {
    let stated = metadata[ShardKey.rows]
    guard stated == String(expected) else {
      throw .malformedMetadata(path: path, key: ShardKey.rows, value: stated)
    }
  }
}
