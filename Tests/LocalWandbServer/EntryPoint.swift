// The local W&B server as a program, for scripts and benchmarks. The address leaves on stdout, and the
// server is there until stdin ends or the program is ended.

import Foundation
import Shared
import Support

@main
enum Main {
  static func main() {
    var options = LocalWandb.Options()
    var rest = CommandLine.arguments.dropFirst()
    var waits = false
    while let argument = rest.popFirst() {
      switch argument {
      case "--port": options.port = rest.popFirst().flatMap { Int($0) } ?? 0
      case "--key": options.key = rest.popFirst() ?? options.key
      case "--until-eof": waits = true
      default:
        let usage = "usage: LocalWandbServer [--port N] [--key TEXT] [--until-eof]\n"
        try? FileHandle.standardError.write(contentsOf: Data(usage.utf8))
        exit(2)
      }
    }
    do {
      let server = try LocalWandb(options)
      try FileHandle.standardOutput.write(contentsOf: Data((server.endpoint + "\n").utf8))
      if waits { while readLine() != nil {} } else { while true { System.sleep(seconds: 3_600) } }
      server.stop()
    } catch {
      try? FileHandle.standardError.write(contentsOf: Data("error: \(error)\n".utf8))
      exit(2)
    }
  }
}
