// Lines that a client streams into the files of a run, and whole files that it sends to the second host.
// They come in as requests; the state of the run changes.

import Shared
import Synchronization

extension LocalWandb {
  private static func lines(
    of name: String
  ) -> WritableKeyPath<LocalWandbRun, [String]>? {
    switch name {
    case "wandb-history.jsonl": \.history
    case "wandb-events.jsonl": \.events
    case "output.log": \.output
    default: nil
    }
  }

  func streamAnswer(_ parts: [String], _ body: [UInt8]) throws -> LocalHTTPResponse {
    let key = parts.joined(separator: "/")
    let sent = try JSON(parsing: body)
    return state.withLock { state in
      guard var run = state.runs[key] else {
        return .json(["error": "run not found"], status: 404)
      }
      for (name, chunk) in sent["files"]?.object ?? [:] {
        let content = chunk["content"]?.array?.compactMap(\.string) ?? []
        if name == "wandb-summary.json" {
          run.summary = content.last ?? run.summary
        } else if let file = LocalWandb.lines(of: name) {
          let hole = run.put(content, at: chunk["offset"]?.integer ?? 0, of: file)
          if hole > 0 { state.problems.append("\(key): \(hole) lines of \(name) are missing") }
        }
      }
      if sent["complete"]?.bool == true {
        let code = sent["exitcode"]?.integer ?? 0
        (run.exitCode, run.state) = (code, code == 0 ? "finished" : "failed")
      }
      state.runs[key] = run
      return .json(["exitcode": .null, "limits": [:]])
    }
  }

  func storageAnswer(_ request: LocalHTTPRequest, _ body: [UInt8]) -> LocalHTTPResponse {
    if request.headers["authorization"] != nil { complain("the key was shown to another host") }
    let parts = request.parts
    guard request.method == "PUT", parts.count >= 2 else {
      return .json(["error": "Not Found"], status: 404)
    }
    state.withLock { state in
      switch parts[0] {
      case "run" where parts.count >= 5:
        let name = parts[4...].joined(separator: "/")
        state.runs[parts[1...3].joined(separator: "/")]?.files[name] = body
      case "artifact", "manifest":
        guard let index = state.artifacts.firstIndex(where: { $0.identifier == parts[1] }) else {
          return
        }
        if parts[0] == "manifest" {
          state.artifacts[index].manifest = String(decoding: body, as: UTF8.self)
        } else {
          var digest = Digest()
          digest.update(body.span.raw)
          state.artifacts[index].received[parts[2...].joined(separator: "/")] = digest.finish()
        }
      default: state.problems.append("\(request.path) is no place for a file")
      }
    }
    return .json([:])
  }
}
