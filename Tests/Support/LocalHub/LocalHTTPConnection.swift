// One connection of the local Hub: it reads requests and their bodies, and writes answers, with the
// failures that were asked for. Bytes of a socket come in and leave.

import Foundation
import Shared

/// Why a connection ends before its time.
struct LocalHTTPCut: Error {}

/// Owns a socket, on one thread.
final class LocalHTTPConnection {
  private let descriptor: Int32
  private var pending: [UInt8] = []
  /// What is left of the body of the request that was read last.
  private var body = Body.none
  private var expectsContinue = false
  /// Bytes of the body of the request that was read last.
  private(set) var receivedByteCount = 0

  private enum Body {
    case none
    case counted(Int)
    case chunked
  }

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Reads up to the body of the next request; nil at the end of the stream.
  func nextRequest() throws -> LocalHTTPRequest? {
    let end = Array("\r\n\r\n".utf8)
    guard let head = try take(through: end, atMost: 65_536),
      let request = LocalHTTPRequest(String(decoding: head, as: UTF8.self))
    else { return nil }
    receivedByteCount = 0
    expectsContinue = request.headers["expect"]?.lowercased() == "100-continue"
    if request.headers["transfer-encoding"]?.lowercased() == "chunked" {
      body = .chunked
    } else {
      let count = request.headers["content-length"].flatMap { Int($0) } ?? 0
      body = count > 0 ? .counted(count) : .none
    }
    return request
  }

  /// Gives the body piece by piece.
  func readBody(_ use: ([UInt8]) throws -> Void) throws {
    if case .none = body { return }
    if expectsContinue {
      let text = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
      try LocalSocket.send(descriptor, text, 0..<text.count)
      expectsContinue = false
    }
    defer { body = .none }
    switch body {
    case .none: return
    case .counted(let count): try read(count, use)
    case .chunked:
      while true {
        guard let line = try take(through: [13, 10], atMost: 1_024),
          let count = Int(
            String(decoding: line.prefix { $0 != 13 && $0 != 59 }, as: UTF8.self), radix: 16)
        else { throw LocalHTTPCut() }
        try read(count, use)
        _ = try take(through: [13, 10], atMost: 1_024)
        if count == 0 { return }
      }
    }
  }

  /// Whether a body was announced that nobody has read, so that no further request can be read.
  var hasUnreadBody: Bool { if case .none = body { false } else { true } }

  private func read(_ count: Int, _ use: ([UInt8]) throws -> Void) throws {
    var left = count
    while left > 0 {
      if pending.isEmpty { pending = try LocalSocket.receive(descriptor, atMost: 1 << 20) }
      guard !pending.isEmpty else { throw LocalHTTPCut() }
      let piece = pending.count <= left ? pending : Array(pending[..<left])
      pending.removeFirst(piece.count)
      left -= piece.count
      receivedByteCount += piece.count
      try use(piece)
    }
  }

  /// Reads through a mark; nil where the stream ends or the mark does not come in time.
  private func take(through mark: [UInt8], atMost limit: Int) throws -> [UInt8]? {
    var searched = 0
    while true {
      while searched + mark.count <= pending.count {
        if pending[searched..<(searched + mark.count)].elementsEqual(mark) {
          let found = Array(pending[..<(searched + mark.count)])
          pending.removeFirst(found.count)
          return found
        }
        searched += 1
      }
      guard pending.count < limit else { return nil }
      let more = try LocalSocket.receive(descriptor, atMost: 65_536)
      if more.isEmpty { return nil }
      pending += more
    }
  }

  /// Writes an answer.
  ///
  /// - Returns: the bytes of the body that were sent.
  /// - Throws: `LocalHTTPCut` where the connection has to end here.
  func send(
    _ response: LocalHTTPResponse, isHead: Bool, fault: LocalHubFault.Kind?, sent: (Int) -> Void
  ) throws {
    var headers = response.headers
    var announced = response.body.byteCount
    if case .wrongLength(let difference) = fault { announced = max(0, announced + difference) }
    headers.append(("Content-Length", String(announced)))
    var text = "HTTP/1.1 \(response.status) \(LocalHTTPResponse.reason(response.status))\r\n"
    for header in headers { text += "\(header.name): \(header.value)\r\n" }
    var bytes = Array((text + "\r\n").utf8)
    if case .bytes(let body) = response.body, !isHead, body.count < 65_536, fault == nil {
      bytes += body
      try LocalSocket.send(descriptor, bytes, 0..<bytes.count)
      return sent(body.count)
    }
    try LocalSocket.send(descriptor, bytes, 0..<bytes.count)
    if isHead { return }
    let limit =
      switch fault {
      case .cut(let byteCount), .reset(let byteCount): min(byteCount, response.body.byteCount)
      case .wrongLength: min(announced, response.body.byteCount)
      default: response.body.byteCount
      }
    try send(response.body, atMost: limit, fault, sent)
    switch fault {
    case .reset:
      resetOnClose()
      throw LocalHTTPCut()
    case .cut, .wrongLength: throw LocalHTTPCut()
    default: break
    }
  }

  /// Makes the end of the connection one as of a server that crashed.
  func resetOnClose() { LocalSocket.resetOnClose(descriptor) }

  /// Sends the first bytes of a body, in pieces where a fault wants it slow or wrong.
  private func send(
    _ body: LocalHTTPResponse.Body, atMost limit: Int, _ fault: LocalHubFault.Kind?,
    _ sent: (Int) -> Void
  ) throws {
    var file: Int32?
    if case .part(.file(let path), _) = body { file = try System.openForReading(path) }
    defer { if let file { System.close(file) } }
    var rate: Int?
    if case .slow(let bytesPerSecond) = fault { rate = max(1, bytesPerSecond) }
    let pieceByteCount = rate.map { max(1, $0 / 20) } ?? 1 << 20
    for start in stride(from: 0, to: limit, by: pieceByteCount) {
      let piece = start..<min(limit, start + pieceByteCount)
      if case .part(_, let range) = body, let file, fault != .wrongBytes {
        let place = (range.lowerBound + piece.lowerBound)..<(range.lowerBound + piece.upperBound)
        try LocalSocket.send(descriptor, file: file, place)
      } else {
        try sendBytes(of: body, piece, isWrong: fault == .wrongBytes && start == 0)
      }
      sent(piece.count)
      if let rate { System.sleep(seconds: Double(piece.count) / Double(rate)) }
    }
  }

  private func sendBytes(
    of body: LocalHTTPResponse.Body, _ piece: Range<Int>, isWrong: Bool
  ) throws {
    var bytes: [UInt8] =
      switch body {
      case .none: []
      case .bytes(let all): Array(all[piece])
      case .part(let content, let range):
        try content.read(
          (range.lowerBound + piece.lowerBound)..<(range.lowerBound + piece.upperBound))
      }
    if isWrong, let last = bytes.indices.last { bytes[last] ^= 1 }
    try LocalSocket.send(descriptor, bytes, 0..<bytes.count)
  }
}
