// saeline-train status: how far runs are, on whatever machine. Comes in: names of runs; a store without.
// Leaves: a table or JSON on stdout.

import Shared

enum StatusCommand {
  static let storeFlag = VerbFlag(
    "--store", value: "FOLDER", "Where names of runs are looked for; ./store if not given.")
  static let verb = Verb(
    "status", "Tell how far the runs of the store are.",
    operands: ["[RUN…]"], flags: [storeFlag], input: .flags)

  static func run(_ invocation: Invocation) throws {
    let store = invocation.options[storeFlag.name] ?? Pipeline().store
    let folders =
      invocation.operands.isEmpty
      ? RunNames.runs(in: store) : try RunNames(store: store).folders(invocation.operands)
    let runs = folders.map { RunStatus.read($0) }.sorted {
      ($0.state.order, $0.name) < ($1.state.order, $1.name)
    }
    if invocation.isJSON { return print(JSON.array(runs.map(\.json)).canonical) }
    if runs.isEmpty {
      if !invocation.isQuiet { Terminal.standardError.print("\(store) holds no runs") }
      return
    }
    show(runs)
  }

  /// Prints a table of runs, as wide as the terminal.
  static func show(_ runs: [RunStatus]) {
    let isTerminal = System.isTerminal(1)
    print(StatusTable(runs).text(columns: isTerminal ? System.terminalColumns(1) : .max))
  }
}

extension RunStatus.State {
  /// What is at work comes first.
  fileprivate var order: Int {
    switch self {
    case .running: 0
    case .silent: 1
    case .stopped: 2
    case .finished: 3
    }
  }
}
