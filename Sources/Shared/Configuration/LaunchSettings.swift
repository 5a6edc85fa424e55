// The section `launch`: what a batch system is asked for. Nothing of it changes a byte.

/// How stages are run as jobs of Slurm; names are those of sbatch's options.
package struct LaunchSettings: Sendable, Equatable {
  package var workers = StageValues<Int>()
  package var partition = StageValues<String>()
  package var account: String?
  package var qos = StageValues<String>()
  package var constraint = StageValues<String>()
  package var time = StageValues<JobAmount>()
  package var mem = StageValues<JobAmount>()
  package var cpusPerTask = StageValues<Int>()
  package var saveSeconds = 120
  package var retries = 3
  package var sbatchOptions: [String] = []
  package var setup: [String] = []

  package init() {}
}

extension LaunchSettings: Section {
  package static let sectionName = "launch"
  package static let summary = "What jobs of a batch system ask for"

  package static let settings: [Setting<LaunchSettings>] = [
    Setting(
      "workers", \.workers,
      "Jobs per stage; null: one, and of a sweep's training one for each run.",
      effect: .none),
    Setting("partition", \.partition, "Slurm's partition.", effect: .none),
    Setting("account", \.account, "The account that is charged.", effect: .none),
    Setting("qos", \.qos, "Slurm's quality of service.", effect: .none),
    Setting("constraint", \.constraint, "Features that a node must have.", effect: .none),
    Setting(
      "time", \.time, "Time limit of a job, as in 30, 4:00:00 or 2-12; an unfinished job goes on.",
      effect: .none),
    Setting("mem", \.mem, "Memory of a job, as in 16G.", effect: .none),
    Setting("cpus_per_task", \.cpusPerTask, "Processors of a job.", effect: .none),
    Setting(
      "save_seconds", \.saveSeconds,
      "Seconds before its time limit at which a job saves and goes back into the queue.",
      .atLeast(1), effect: .none),
    Setting(
      "retries", \.retries, "How often a job whose program was killed may start again.",
      .atLeast(0), effect: .none),
    Setting(
      "sbatch_options", \.sbatchOptions, "Further options of sbatch, each as one text.",
      effect: .none),
    Setting(
      "setup", \.setup, "Commands of the shell before the program, as in module load openblas.",
      effect: .none),
  ]

  package var contradictions: [Complaint] {
    var found: [Complaint] = []
    func check<Value: SettingValue>(
      _ name: String, _ values: StageValues<Value>, _ problem: (Value) -> String?
    ) {
      for (stage, value) in values.given {
        guard let text = problem(value) else { continue }
        found.append(Complaint(stage.map { "\(name).\($0)" } ?? name, text))
      }
    }
    for (name, values) in [("workers", workers), ("cpus_per_task", cpusPerTask)] {
      check(name, values) { $0 < 1 ? "must be a whole number of 1 or more, but is \($0)." : nil }
    }
    for (name, values) in [("partition", partition), ("qos", qos), ("constraint", constraint)] {
      check(name, values, LaunchSettings.problem)
    }
    for (name, values) in [("time", time), ("mem", mem)] {
      check(name, values) { LaunchSettings.problem($0.text) }
    }
    if let text = account.flatMap(LaunchSettings.problem) {
      found.append(Complaint("account", text))
    }
    for option in sbatchOptions {
      let text =
        option.hasPrefix("-")
        ? LaunchSettings.problem(option)
        : "has \(Gathering.shown(.string(option))), which does not begin with a dash."
      if let text { found.append(Complaint("sbatch_options", text)) }
    }
    return found
  }

  /// What keeps a text from standing in one line of a job's script.
  private static func problem(_ text: String) -> String? {
    if text.isEmpty { return "must not be empty." }
    return text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
      ? "must be one line, but is \(Gathering.shown(.string(text)))." : nil
  }
}

/// An amount as Slurm writes it, such as 4:00:00 or 16G; a whole number stands for itself.
package struct JobAmount: SettingValue {
  package let text: String

  package static var alternatives: [String] { ["text", "a whole number"] }

  package init?(setting: JSON) {
    guard let text = setting.string ?? setting.integer.map({ String($0) }) else { return nil }
    self.text = text
  }

  package var json: JSON { .string(text) }
}
