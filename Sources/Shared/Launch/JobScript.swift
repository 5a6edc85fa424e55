// A stage as jobs of Slurm. Comes in: the section `launch` and the command line of a worker. Leaves: the script
// that sbatch takes: an array of workers, each of which saves and goes back into the queue where Slurm stops it.

/// The script of a stage's jobs.
package struct JobScript: Sendable, Equatable {
  private let settings: LaunchSettings
  private let stage: String
  private let name: String
  private let logs: String
  private let workers: Int
  /// Whether it works on what the stage before makes at the same time.
  private let isBeside: Bool
  private let command: [String]

  /// `stage` is the section of the stage, `program` the name of its program, `command` the words that start a
  /// worker, and `runs` the number of runs that a sweep trains, 1 without one.
  package init(
    _ pipeline: Pipeline, runs: Int, stage: String, program: String, command: [String]
  ) {
    settings = pipeline.launch
    self.stage = stage
    self.command = command
    isBeside = stage == TrainSettings.sectionName && pipeline.cache.maxDiskGB != nil
    name = "\(program):\(pipeline.name)"
    logs = pipeline.store + "/.jobs"
    workers = JobScript.workers(pipeline, runs: runs, stage: stage)
  }

  /// How many workers a stage gets: of training never more than there are runs.
  private static func workers(_ pipeline: Pipeline, runs: Int, stage: String) -> Int {
    let wanted = pipeline.launch.workers[stage]
    guard stage == TrainSettings.sectionName else { return wanted ?? 1 }
    // The runs of a shared stream are trained side by side by one process.
    return min(runs, wanted ?? (pipeline.train.sweepMode == .shared ? 1 : runs))
  }

  package var text: String {
    let options = (requests + settings.sbatchOptions).map { "#SBATCH \($0)\n" }.joined()
    let setup =
      settings.setup.isEmpty
      ? "" : "\nset -e\n" + settings.setup.joined(separator: "\n") + "\nset +e\n"
    let remark = isBeside ? JobScript.besideRemark + "\n" : ""
    return "#!/bin/bash\n" + options + remark + opening + setup + work
  }

  /// A line that tells those who start the stages that training does not wait for the end of caching.
  private static let besideRemark = "# beside: cache"

  private var requests: [String] {
    let pattern = JobScript.escaped(logs) + "/%x-%A_%a.log"
    var options: [(String, String?)] = [
      ("job-name", name), ("array", "1-\(workers)"), ("output", pattern), ("open-mode", "append"),
    ]
    options += [
      ("partition", settings.partition[stage]), ("account", settings.account),
      ("qos", settings.qos[stage]), ("constraint", settings.constraint[stage]),
      ("time", settings.time[stage]?.text), ("mem", settings.mem[stage]?.text),
      ("cpus-per-task", settings.cpusPerTask[stage].map { String($0) }),
    ]
    let given = options.compactMap { name, value in
      value.map { "--\(name)=\(JobScript.quotedOption($0))" }
    }
    // Ahead of the time limit, to the script alone, which hands it on.
    return given + ["--requeue", "--signal=B:USR1@\(settings.saveSeconds)"]
  }

  private var opening: String {
    """

    # Any worker may be stopped at any time: what it began, it or another one continues.
    worker= stopped=
    stop() {
      stopped=1
      [ -z "$worker" ] || kill -TERM "$worker" 2>/dev/null
    }
    trap stop USR1 TERM INT HUP
    echo "$(date '+%F %T') ${SLURMD_NODENAME:-$(hostname)}: start ${SLURM_RESTART_COUNT:-0}" >&2

    """
  }

  private var work: String {
    """

    code=130
    if [ -z "$stopped" ]; then
      \(command.map(JobScript.quotedWord).joined(separator: " ")) &
      worker=$!
      [ -z "$stopped" ] || stop
      # A signal ends the first wait; the last one knows the code.
      wait "$worker"
      while kill -0 "$worker" 2>/dev/null; do wait "$worker"; done
      wait "$worker"
      code=$?
    fi

    # 130: interrupted, and more to do. Above 128 otherwise: killed, maybe by the signal that it was to save at.
    again=
    [ "$code" = 130 ] && again=1
    [ "$code" -gt 128 ] && [ -n "$stopped" ] && again=1
    [ "$code" -gt 128 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt \(settings.retries) ] && again=1
    if [ -n "$again" ]; then
      job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
      for pause in 1 5 15 60; do
        state=$(squeue -h -j "$job" -o %T) && break
        sleep "$pause"
      done
      # Not where it was cancelled, or goes back already.
      if [ "$state" = RUNNING ] || [ "$state" = SIGNALING ]; then
        echo "$(date '+%F %T') $(hostname): ended with $code, back into the queue" >&2
        scontrol requeue "$job"
      fi
    fi
    exit "$code"

    """
  }

  /// A path in which Slurm replaces nothing.
  private static func escaped(_ path: String) -> String {
    path.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
  }

  /// A value behind an option of sbatch, which knows quotes and backslashes.
  private static func quotedOption(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { !isPlain($0) && $0 != "%" }) else { return text }
    var quoted = ""
    for character in text {
      if character == "\"" || character == "\\" { quoted += "\\" }
      quoted.append(character)
    }
    return "\"\(quoted)\""
  }

  /// A word of a shell's command.
  private static func quotedWord(_ text: String) -> String {
    if !text.isEmpty, text.unicodeScalars.allSatisfy(isPlain) { return text }
    let parts = text.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + parts.joined(separator: "'\\''") + "'"
  }

  /// Whether neither a shell nor sbatch sees more in a character than itself.
  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    let isWord =
      scalar.isASCII
      && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
    return isWord || "._-/:=,@+".unicodeScalars.contains(scalar)
  }
}
