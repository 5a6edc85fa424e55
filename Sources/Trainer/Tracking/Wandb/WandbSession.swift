// What is sent to a W&B server and what it answers. Comes in: a question in GraphQL, lines of a run, or a
// file. Leaves: the data of the answer. Whether and when to try again is decided elsewhere.

import Foundation
import Shared

/// Why something has not been sent; the run goes on.
struct WandbFailure: Error, Equatable {
  let reason: String
  /// The status that was answered; nil where nothing was.
  var status: Int?
  /// Seconds that the server asks to wait.
  var asked: Double?

  /// Whether a little later another answer may come.
  var isTransient: Bool { status.map { HTTPRetry.isTransient($0) } ?? true }
}

/// Speaks with one server, on one thread at a time.
final class WandbSession: Sendable {
  private let address: String
  private let key: WandbKey?
  private let connection: HTTPConnection
  private let stop: StopFlag

  /// Bytes of an answer that are read.
  private static let answerByteCount = 16 << 20
  private static let redirectLimit = 5

  init(_ settings: WandbSettings, stop: StopFlag) {
    address = settings.address
    key = settings.key
    self.stop = stop
    connection = HTTPConnection(settings.http)
  }

  /// Asks a question.
  ///
  /// - Returns: the data of the answer.
  func ask(_ query: String, _ variables: JSON) throws -> JSON {
    let body: JSON = ["query": .string(query), "variables": variables]
    let answer = try post(body.canonical, to: address + "/graphql")
    if let problem = answer["errors"]?.array?.first {
      let text = problem["message"]?.string ?? problem.canonical
      throw WandbFailure(reason: String(text.prefix(300)), status: 400)
    }
    return answer["data"] ?? .null
  }

  /// Streams lines into files of a run, of which `body` is the text.
  func stream(_ body: String, to run: String) throws {
    let quoted = run.split(separator: "/").map { WebAddress.quoted(String($0), keeping: "") }
    let path = quoted.joined(separator: "/")
    _ = try post(body, to: "\(address)/files/\(path)/file_stream")
  }

  /// Sends a file to where the server wants it, with the headers that it wants.
  func put(_ body: HTTPRequest.Body, to place: String, headers: [String]) throws {
    let pairs = headers.compactMap { header -> (name: String, value: String)? in
      let halves = header.split(separator: ":", maxSplits: 1)
      guard halves.count == 2 else { return nil }
      return (String(halves[0]), halves[1].trimmingCharacters(in: .whitespaces))
    }
    guard let target = WebAddress.resolved(place, from: address + "/") else {
      throw WandbFailure(reason: "the server names \(place) as a place for a file", status: 400)
    }
    _ = try answer(HTTPRequest(.put, target, headers: pairs, body: body))
  }

  private func post(_ text: String, to target: String) throws -> JSON {
    let bytes = try answer(
      HTTPRequest(
        .post, target, headers: [("Content-Type", "application/json")],
        body: .bytes(Array(text.utf8))))
    guard let json = try? JSON(parsing: bytes) else {
      throw WandbFailure(reason: "the answer is no JSON")
    }
    return json
  }

  /// Sends a request, and the key only to the server that it belongs to.
  private func answer(_ request: HTTPRequest) throws -> [UInt8] {
    var request = request
    let headers = request.headers
    for _ in 0...WandbSession.redirectLimit {
      let isServer = WebAddress.origin(request.address) == WebAddress.origin(address)
      request.headers = headers
      if isServer, let key { request.headers.append(("Authorization", key.authorization)) }
      var body: [UInt8] = []
      let head: HTTPHead
      do {
        head = try connection.perform(request, stop: stop) { _, piece in
          guard body.count + piece.byteCount <= WandbSession.answerByteCount else {
            throw WandbFailure(reason: "the answer has no end")
          }
          body.append(copying: piece.octets)
        }
      } catch let problem as HTTPProblem {
        throw WandbFailure(reason: problem.reason, status: problem.isTransient ? nil : 400)
      }
      if head.isSuccess { return body }
      // Only these keep the method and the body.
      guard [307, 308].contains(head.status), let location = head.redirection,
        let next = WebAddress.resolved(location, from: request.address)
      else { throw failure(head, body) }
      request.address = next
    }
    throw WandbFailure(reason: "redirects without end", status: 400)
  }

  private func failure(_ head: HTTPHead, _ body: [UInt8]) -> WandbFailure {
    let json = try? JSON(parsing: body)
    let text = json?["errors"]?.array?.first?["message"]?.string ?? json?["error"]?.string
    let reason = "status \(head.status)" + (text.map { ": \($0.prefix(300))" } ?? "")
    return WandbFailure(
      reason: reason, status: head.status,
      asked: HTTPRetry.asked(head, now: Date().timeIntervalSince1970))
  }
}
