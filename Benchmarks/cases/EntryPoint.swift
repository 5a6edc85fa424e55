// Runs cases to be counted by callgrind, or times them. Comes in: what to do, sizes, names of cases. Leaves: a line
// of JSON per case on stdout.
//
//   cases list
//   cases count [--cases NAME,…] [SIZE=VALUE …]    each case once in a function that callgrind looks for
//   cases time [--cases NAME,…] [--rounds N] [--threads N] [SIZE=VALUE …]

import Foundation
import Shared

/// Runs work between the two moments at which callgrind begins and ends to count.
@_silgen_name("saeline_counted") @inline(never)
func counted(_ work: any Case) throws {
  try work.run()
  finishedCount += 1
}

nonisolated(unsafe) var finishedCount = 0

@main enum Main {
  static func main() {
    do { try run(Array(CommandLine.arguments.dropFirst())) } catch {
      let sentence = (error as? CaseError)?.sentence ?? "\(error)"
      FileHandle.standardError.write(Data("error: \(sentence)\n".utf8))
      exit(2)
    }
  }

  private static func run(_ words: [String]) throws {
    var (names, rounds, sizes) = (CaseList.names, 5, Sizes())
    var rest = words.dropFirst()
    while let word = rest.popFirst() {
      switch word {
      case "--cases": names = (rest.popFirst() ?? "").split(separator: ",").map(String.init)
      case "--rounds": rounds = rest.popFirst().flatMap { Int($0) } ?? rounds
      case "--threads": Parallel.threadCount = rest.popFirst().flatMap { Int($0) } ?? 1
      default: try sizes.set(word)
      }
    }
    switch words.first {
    case "list": print(CaseList.names.joined(separator: "\n"))
    case "count": for name in names { try count(name, sizes) }
    case "time": for name in names { try time(name, sizes, rounds: rounds) }
    default: throw CaseError(sentence: "usage: cases list|count|time")
    }
  }

  /// What the first run does once and never again is not counted.
  private static func count(_ name: String, _ sizes: Sizes) throws {
    Parallel.threadCount = 1
    let work = try CaseList.make(name, sizes)
    try work.run()
    try counted(work)
    print(name)
  }

  private static func time(_ name: String, _ sizes: Sizes, rounds: Int) throws {
    let work = try CaseList.make(name, sizes)
    try work.run()
    var (seconds, parts) = ([Double](), [String: [Double]]())
    for _ in 0..<max(1, rounds) {
      let start = System.uptime
      try work.run()
      seconds.append(System.uptime - start)
      for (part, value) in work.parts { parts[part, default: []].append(value) }
    }
    let answer: [String: Any] = [
      "case": name, "threads": Parallel.threadCount, "seconds": seconds,
      "parts": parts.mapValues { $0.sorted()[$0.count / 2] }, "operations": work.operations,
      "bytes": work.byteCount, "items": work.items.count, "item": work.items.name,
    ]
    let line = try JSONSerialization.data(withJSONObject: answer, options: [.sortedKeys])
    FileHandle.standardOutput.write(line + Data("\n".utf8))
  }
}
