// Where the storage wants a large file. Comes in: the Hub's answer about it. Leaves: addresses, checked.

import Synchronization

/// A file, and where the storage wants it.
struct UploadDelivery: Sendable {
  let object: UploadObject
  /// Of the whole file; where it goes in parts, of the request that completes it.
  let address: String
  /// Addresses of the parts; empty where the file goes in one piece.
  let parts: [String]
  let partByteCount: Int
  let verification: String?
  let tags = UploadTags()

  /// Reads the actions of an answer; nil where the storage has the file.
  init?(_ object: UploadObject, _ actions: JSON?, _ environment: HubEnvironment) throws {
    guard let upload = actions?["upload"], upload != .null else { return nil }
    func bad(_ what: String) -> UploadError {
      .badAnswer(environment.endpoint, what: "\(what) of \(object.file.path)")
    }
    func address(_ text: String?) throws -> String {
      guard let text, WebAddress.origin(text) != nil else {
        throw bad("there is no address for the upload")
      }
      return environment.reached(text)
    }
    self.object = object
    self.address = try address(upload["href"]?.string)
    let verify = actions?["verify"]
    verification = try verify.flatMap { $0 == .null ? nil : try address($0["href"]?.string) }
    guard let chunk = upload["header"]?["chunk_size"], chunk != .null else {
      (parts, partByteCount) = ([], object.file.byteCount)
      return
    }
    guard let size = chunk.integer ?? chunk.string.flatMap({ Int($0) }), size > 0 else {
      throw bad("there is no size of the parts")
    }
    let numbered = (upload["header"]?.object ?? [:]).compactMap { name, value in
      Int(name).map { (number: $0, address: value.string) }
    }.sorted { $0.number < $1.number }
    let byteCount = object.file.byteCount
    guard numbered.map(\.number).elementsEqual(1..<numbered.count + 1),
      numbered.count == (byteCount > 0 ? (byteCount - 1) / size + 1 : 0)
    else { throw bad("there are \(numbered.count) parts") }
    partByteCount = size
    // Addresses of the storage are signed and stay as they are.
    parts = try numbered.map { part in
      guard let text = part.address, WebAddress.origin(text) != nil else {
        throw bad("there is no address for a part")
      }
      return text
    }
  }

  func range(_ part: Int) -> Range<Int> {
    let start = part * partByteCount
    return start..<min(object.file.byteCount, start + partByteCount)
  }
}

/// What the storage called the parts of a file so far.
final class UploadTags: Sendable {
  private let tags = Mutex<[Int: String]>([:])

  /// Keeps the tag of a part; all of them, in the Hub's form, where it was the last of `count`.
  func add(_ tag: String, _ part: Int, of count: Int) -> [JSON]? {
    tags.withLock { tags in
      tags[part] = tag
      guard tags.count == count else { return nil }
      return (0..<count).map { part in
        ["partNumber": .integer(part + 1), "etag": .string(tags[part] ?? "")]
      }
    }
  }
}

extension HubEnvironment {
  /// An address of the Hub by the way on which this process reaches the Hub: mirrors hand out those of
  /// huggingface.co.
  func reached(_ address: String) -> String {
    let head = HubEnvironment.publicEndpoint + "/"
    guard endpoint != HubEnvironment.publicEndpoint, address.hasPrefix(head) else { return address }
    return endpoint + "/" + address.dropFirst(head.count)
  }
}
