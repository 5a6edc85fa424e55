// A commit to a repository as the Hub's API takes it: a header and operations, a line of JSON each.

import Foundation

/// A change of one file.
enum UploadOperation: Sendable {
  /// A small file, which git keeps itself.
  case write(path: String, [UInt8])
  /// A file that the storage has.
  case point(path: String, sha256: String, byteCount: Int)
  case delete(path: String)

  /// Bytes that a commit carries.
  var byteCount: Int { if case .write(_, let bytes) = self { bytes.count } else { 0 } }

  fileprivate var json: JSON {
    switch self {
    case .write(let path, let bytes):
      [
        "key": "file",
        "value": [
          "content": .string(Data(bytes).base64EncodedString()), "path": .string(path),
          "encoding": "base64",
        ],
      ]
    case .point(let path, let sha256, let byteCount):
      [
        "key": "lfsFile",
        "value": [
          "path": .string(path), "algo": "sha256", "oid": .string(sha256),
          "size": .integer(byteCount),
        ],
      ]
    case .delete(let path): ["key": "deletedFile", "value": ["path": .string(path)]]
    }
  }
}

/// Operations that wait for their commit.
struct UploadCommit {
  private(set) var operations: [UploadOperation] = []
  private var byteCount = 0

  /// What one commit may hold; huggingface_hub commits large folders in steps of this order too.
  enum Limit {
    static let operationCount = 100
    static let byteCount = 16 << 20
  }

  var isFull: Bool {
    operations.count >= Limit.operationCount || byteCount >= Limit.byteCount
  }

  mutating func add(_ operation: UploadOperation) {
    operations.append(operation)
    byteCount += operation.byteCount
  }

  /// The body of the request.
  func lines(summary: String) -> [UInt8] {
    let header: JSON = [
      "key": "header", "value": ["summary": .string(summary), "description": ""],
    ]
    return ([header] + operations.map(\.json)).flatMap { Array($0.canonical.utf8) + [10] }
  }
}
