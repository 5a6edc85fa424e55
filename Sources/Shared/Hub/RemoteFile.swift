// A file of the Hub that is read by ranges, with nothing of it on disk. Comes in: places in it. Leaves: their
// bytes, whatever happens to the connection meanwhile; what is read ahead is decided by the reader.

import Synchronization

/// One file at one commit, for any number of threads.
///
/// Holds no more than what is being read, and the whole of a file of up to 1 MB.
final class RemoteFile: ByteSource {
  let path: String
  var byteCount: Int { file.byteCount }
  private let session: HubSession
  private let snapshot: HubSnapshot
  private let file: HubFile
  private let whole = Mutex<[UInt8]?>(nil)
  private let location = Mutex<Location?>(nil)

  /// Where redirects led, which serves for a while without asking again.
  private struct Location {
    let address: String
    let until: Double
  }

  /// Files up to this size are fetched, checked and kept whole.
  private static let wholeByteCount = 1 << 20
  /// Seconds for which an address of another host is used; the Hub signs them for an hour.
  private static let locationSeconds = 600.0
  /// How often a small file is fetched that arrives wrong.
  private static let attemptLimit = 3

  init(_ session: HubSession, _ snapshot: HubSnapshot, _ file: HubFile) {
    self.session = session
    self.snapshot = snapshot
    self.file = file
    path = snapshot.address(file.path)
  }

  func read(at offset: Int, count: Int) throws -> [UInt8] {
    guard offset >= 0, count > 0, offset < byteCount else { return [] }
    let range = offset..<offset + min(count, byteCount - offset)
    return try session.about(snapshot.repository, path: file.path) {
      guard byteCount <= RemoteFile.wholeByteCount else { return try fetch(range) }
      return try whole.withLock { bytes in
        let all = try bytes ?? fetchWhole()
        bytes = all
        return Array(all[range])
      }
    }
  }

  private func fetchWhole() throws -> [UInt8] {
    var name = ""
    for _ in 0..<RemoteFile.attemptLimit {
      let bytes = try fetch(0..<byteCount)
      var digest = ContentDigest(of: file)
      digest.update(bytes.span.raw)
      name = digest.finish()
      if name == file.digest.name { return bytes }
      location.withLock { $0 = nil }
    }
    throw HubError.wrongContent(path, "its hash is \(name) and not \(file.digest.name)")
  }

  /// Fetches a range, going on where a connection was cut.
  private func fetch(_ range: Range<Int>) throws -> [UInt8] {
    let (taken, stop) = (Taken(range), StopFlag())
    var retry = HTTPRetry(session.patience)
    while taken.isMissingBytes {
      let before = taken.bytes.count
      do {
        try ask(taken, stop)
        guard taken.isMissingBytes else { break }
        throw HTTPProblem.cut("the answer ended early")
      } catch is WrongContent {
        throw HubError.changed(path)
      } catch {
        if taken.bytes.count > before { retry.succeed() }
        try session.wait(after: error, &retry, stop: stop)
      }
    }
    return taken.bytes
  }

  /// Sends one request for what is missing.
  private func ask(_ taken: Taken, _ stop: StopFlag) throws {
    let known = location.withLock { place in
      place.flatMap { $0.until > System.uptime ? $0.address : nil }
    }
    var request = snapshot.request(file, from: taken.next, to: taken.range.upperBound)
    if let known { request.address = known }
    do {
      let reply = try session.exchange(request, stop: stop) { [file] reply, piece in
        if taken.start == nil { taken.start = try reply.start(of: file) }
        guard taken.take(piece) else { throw Enough() }
      }
      if reply.address != request.address {
        location.withLock {
          $0 = Location(
            address: reply.address, until: System.uptime + RemoteFile.locationSeconds)
        }
      }
    } catch is Enough {
      // The server sent the whole file, and the rest of it is not wanted.
    } catch let refusal as HTTPRefusal
      where known != nil && (400..<500).contains(refusal.head.status)
    {
      // A signature may have run out before its time: the Hub is asked for another one.
      location.withLock { $0 = nil }
    }
    taken.start = nil
  }
}

/// All bytes of a range are there before the answer has ended.
private struct Enough: Error {}

/// The bytes of a range that have arrived; used by one thread.
private final class Taken {
  let range: Range<Int>
  private(set) var bytes: [UInt8] = []
  /// The place in the file of the next byte of the answer; nil before it begins.
  var start: Int?

  init(_ range: Range<Int>) {
    self.range = range
    bytes.reserveCapacity(range.count)
  }

  var next: Int { range.lowerBound + bytes.count }
  var isMissingBytes: Bool { bytes.count < range.count }

  /// Takes what is wanted of the next piece of the answer.
  ///
  /// - Returns: whether more may be wanted.
  func take(_ piece: RawSpan) -> Bool {
    guard let place = start else { return false }
    start = place + piece.byteCount
    // Where the server ignored the range, bytes come that lie before it.
    let skipped = max(0, next - place)
    guard place <= next, skipped < piece.byteCount else { return place <= next }
    let count = min(piece.byteCount - skipped, range.upperBound - next)
    bytes.append(copying: piece.octets.extracting(skipped..<skipped + count))
    return isMissingBytes || skipped + count == piece.byteCount
  }
}
