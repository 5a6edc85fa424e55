// A client that sends what it is told to and takes what comes, for tests of the local Hub itself. The text
// of a request comes in, its answer leaves as it came.

import Shared

/// An answer as it came.
package struct LocalHubAnswer: Sendable {
  package let status: Int
  /// By names in lower case.
  package let headers: [String: String]
  package let body: [UInt8]

  package var text: String { String(decoding: body, as: UTF8.self) }

  /// Whether as many bytes came as were announced.
  package var isComplete: Bool { headers["content-length"] == String(body.count) }
}

extension LocalHub {
  /// Sends one request on a connection of its own and reads until the Hub ends it; follows no redirect.
  ///
  /// `url` is a path of the Hub or a whole address of either host; after `limit` bytes the connection is
  /// dropped.
  ///
  /// - Returns: nil where not even a head came.
  package func ask(
    _ method: String, _ url: String, headers: [String: String] = [:], body: [UInt8]? = nil,
    atMost limit: Int = 1 << 28
  ) throws -> LocalHubAnswer? {
    let isContent = url.hasPrefix(contentEndpoint)
    var target = url[...]
    for endpoint in [contentEndpoint, endpoint] where target.hasPrefix(endpoint) {
      target = target.dropFirst(endpoint.count)
    }
    let descriptor = try LocalSocket.connect(
      address: isContent ? "127.0.0.2" : "127.0.0.1", port: isContent ? contentPort : port)
    defer { System.close(descriptor) }
    var text = "\(method) \(target) HTTP/1.1\r\nHost: local\r\nConnection: close\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let body, headers["Transfer-Encoding"] == nil {
      text += "Content-Length: \(body.count)\r\n"
    }
    let bytes = Array((text + "\r\n").utf8) + (body ?? [])
    try LocalSocket.send(descriptor, bytes, 0..<bytes.count)
    var answer: [UInt8] = []
    while answer.count < limit,
      let piece = try? LocalSocket.receive(descriptor, atMost: 1 << 20), !piece.isEmpty
    {
      answer += piece
    }
    return LocalHubAnswer(answer)
  }
}

extension LocalHubAnswer {
  /// Takes an answer apart; heads of the statuses below 200 are skipped.
  fileprivate init?(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while true {
      guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
      let lines = String(decoding: rest[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
      rest = rest[end.upperBound...]
      guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
      else { return nil }
      if status < 200 { continue }
      var headers: [String: String] = [:]
      for line in lines.dropFirst() {
        let halves = line.split(separator: ":", maxSplits: 1)
        guard halves.count == 2 else { continue }
        headers[halves[0].lowercased()] = String(halves[1].drop { $0 == " " })
      }
      self.init(status: status, headers: headers, body: Array(rest))
      return
    }
  }
}
