// The local Hub as a program, for scripts and benchmarks: a folder of models and data sets comes in; the
// address leaves on stdout, and the Hub is there until stdin ends or the program is ended.

import Foundation
import Shared
import Support

@main
enum Main {
  static let usage = """
    usage: LocalHubServer [FOLDER] [--port N] [--token TEXT] [--latency SECONDS] [--page-size N]
             [--multipart-from BYTES] [--part-size BYTES] [--large-from BYTES] [--gated-access] [--xet]
             [--plain-resolve] [--until-eof]
    FOLDER holds models/OWNER/NAME/… and datasets/OWNER/NAME/…
    """

  static func main() {
    do {
      let (options, folder, waits) = try read(Array(CommandLine.arguments.dropFirst()))
      let hub = try LocalHub(options)
      if let folder { try hub.serve(folder: folder) }
      try FileHandle.standardOutput.write(contentsOf: Data((hub.endpoint + "\n").utf8))
      if waits { while readLine() != nil {} } else { while true { System.sleep(seconds: 3_600) } }
      hub.stop()
    } catch {
      try? FileHandle.standardError.write(contentsOf: Data("error: \(error)\n".utf8))
      exit(2)
    }
  }

  /// Something on the command line that the program does not know.
  struct UnknownArgument: Error, CustomStringConvertible {
    let text: String
    var description: String { "\(text) is no argument.\n\(Main.usage)" }
  }

  private static func read(
    _ arguments: [String]
  ) throws -> (options: LocalHub.Options, folder: String?, waits: Bool) {
    var (options, folder, waits) = (LocalHub.Options(), String?.none, false)
    var rest = arguments[...]
    func value<Value: LosslessStringConvertible>(_ name: String) throws -> Value {
      guard let value = rest.popFirst().flatMap({ Value($0) }) else {
        throw UnknownArgument(text: name)
      }
      return value
    }
    while let argument = rest.popFirst() {
      switch argument {
      case "--port": options.port = try value(argument)
      case "--token": options.token = try value(argument)
      case "--latency": options.latency = try value(argument)
      case "--page-size": options.pageEntryCount = try value(argument)
      case "--multipart-from": options.multipartByteCount = try value(argument)
      case "--part-size": options.partByteCount = try value(argument)
      case "--large-from": options.largeByteCount = try value(argument)
      case "--gated-access": options.isOnGatedLists = true
      case "--xet": options.advertisesXet = true
      case "--plain-resolve": options.redirectsSmallFiles = false
      case "--until-eof": waits = true
      case _ where argument.hasPrefix("-"): throw UnknownArgument(text: argument)
      default: folder = argument
      }
    }
    return (options, folder, waits)
  }
}
