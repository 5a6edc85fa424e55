// Figures of this process and this machine, under the names that the official client gives them. They are
// read from /proc; what a system does not tell is left out.

import Foundation
import Shared

/// Samples the process and the machine.
struct WandbMachine: Sendable {
  private let folder: String
  private var lastTicks: Double?
  private var lastSeconds = System.uptime

  /// Disk space is that of the disk which holds `folder`.
  init(folder: String) { self.folder = folder }

  /// One sample, without the times.
  mutating func sample() -> [String: JSON] {
    var figures: [String: JSON] = [:]
    let status = WandbMachine.fields("/proc/self/status")
    let memory = WandbMachine.fields("/proc/meminfo")
    let total = memory["MemTotal"] ?? 0
    if let resident = status["VmRSS"], total > 0 {
      figures["system.proc.memory.rssMB"] = .number(resident / 1024)
      figures["system.proc.memory.percent"] = .number(100 * resident / total)
    }
    if let available = memory["MemAvailable"], total > 0 {
      figures["system.proc.memory.availableMB"] = .number(available / 1024)
      figures["system.memory_percent"] = .number(100 * (1 - available / total))
    }
    if let threads = status["Threads"] { figures["system.proc.cpu.threads"] = .number(threads) }
    if let share = processorShare() { figures["system.cpu"] = .number(share) }
    if let free = try? System.freeByteCount(folder) {
      figures["system.disk./.freeGB"] = .number(Double(free) / Double(1 << 30))
    }
    return figures
  }

  /// The share of one processor that this process has used since the last sample, in percent.
  private mutating func processorShare() -> Double? {
    guard let bytes = WandbMachine.contents("/proc/self/stat") else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    let words = text[text.index(after: end)...].split(separator: " ")
    guard words.count > 12, let user = Double(words[11]), let own = Double(words[12]) else {
      return nil
    }
    let (ticks, seconds) = (user + own, System.uptime)
    defer { (lastTicks, lastSeconds) = (ticks, seconds) }
    guard let before = lastTicks, seconds > lastSeconds else { return nil }
    // Linux counts in hundredths of a second.
    return (ticks - before) / (seconds - lastSeconds)
  }

  /// What the run's page says of the machine.
  static func description(started: Double) -> JSON {
    let memory = fields("/proc/meminfo")["MemTotal"] ?? 0
    return [
      "os": .string(ProcessInfo.processInfo.operatingSystemVersionString),
      "host": .string(System.hostName),
      "program": .string(Product.name + "-train"),
      "startedAt": .string(WandbTime.text(started) + "Z"),
      "cpu_count": .integer(ProcessInfo.processInfo.processorCount),
      "cpu_count_logical": .integer(ProcessInfo.processInfo.processorCount),
      "memory": ["total": .string(String(Int(memory) * 1024))],
      "saeline": .string(Product.version),
    ]
  }

  private static func contents(_ path: String) -> [UInt8]? {
    guard let descriptor = try? System.openForReading(path) else { return nil }
    defer { System.close(descriptor) }
    return try? System.readStream(descriptor, atMost: 1 << 16, path: path)
  }

  /// Numbers of lines as `VmRSS:  1234 kB`.
  private static func fields(_ path: String) -> [String: Double] {
    let text = String(decoding: contents(path) ?? [], as: UTF8.self)
    var fields: [String: Double] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split { $0 == ":" || $0 == " " || $0 == "\t" }
      if words.count > 1, let value = Double(words[1]) { fields[String(words[0])] = value }
    }
    return fields
  }
}
