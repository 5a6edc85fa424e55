// Sweeps. Comes in: lists of values for options of the section `train`. Leaves: one pipeline per
// combination, each looked at as if its values stood in the file, or what is wrong with them.

/// One combination of a sweep.
package struct Combination: Sendable, Equatable {
  /// An option and one of its values.
  package struct Choice: Sendable, Equatable {
    package let name: String
    package let value: JSON

    /// The value as people read it.
    package var text: String { value.string ?? value.canonical }
  }

  /// In order of name.
  package let choices: [Choice]
  /// The pipeline with these values and without a sweep.
  package let pipeline: Pipeline

  package var label: String { words.joined(separator: ", ") }

  /// The same choices with another pipeline.
  package func with(_ pipeline: Pipeline) -> Combination {
    Combination(choices: choices, pipeline: pipeline)
  }

  fileprivate var words: [String] { choices.map { "\($0.name)=\($0.text)" } }
}

/// The combinations of a pipeline's sweep, or why there are none.
package struct SweepPlan: Sendable, Equatable {
  /// The most runs that one sweep makes.
  package static let limit = 1000
  /// The most combinations that are complained of one by one.
  private static let complaintLimit = 10

  /// In order of their values, those of the last option varying fastest.
  package private(set) var combinations: [Combination] = []
  /// The newest names of the swept options, in order.
  package private(set) var options: [String] = []
  package private(set) var problems: [Remark] = []
  package private(set) var notes: [Remark] = []

  private typealias Axis = (setting: Setting<TrainSettings>, values: [JSON])

  /// Works out the combinations and looks at each; without a sweep, at the pipeline itself.
  ///
  /// - Parameters:
  ///   - pipeline: what the file says.
  ///   - running: the section whose stage must be complete.
  ///   - refused: sections that cannot be looked at, since one of their values is wrong.
  package init(
    _ pipeline: Pipeline, running: String? = nil, leavingOut refused: Set<String> = []
  ) {
    let sweep = pipeline.train.sweep
    guard !sweep.isEmpty else {
      problems = pipeline.complaints(running: running, leavingOut: refused)
      return
    }
    let axes = axes(of: sweep)
    // As a float, since a short file can ask for more than an integer counts.
    let count = axes.reduce(1.0) { $0 * Double($1.values.count) }
    if count > Double(SweepPlan.limit) {
      problem(
        "sweep",
        "makes \(JSON.number(count).canonical) combinations; at most \(SweepPlan.limit) are run.")
    }
    guard problems.isEmpty else {
      let refused = refused.union([TrainSettings.sectionName])
      problems += pipeline.complaints(running: running, leavingOut: refused)
      return
    }
    options = axes.map(\.setting.row.name)
    combinations = SweepPlan.combinations(axes, of: pipeline)
    check(running, refused)
    if !problems.isEmpty { combinations = [] }
  }

  private mutating func problem(_ name: String, _ text: String) {
    problems.append(Remark(section: TrainSettings.sectionName, name: name, text: text))
  }
}

// MARK: - Options

extension SweepPlan {
  /// The swept options under their newest names, in order of name.
  private mutating func axes(of sweep: SweepAxes) -> [Axis] {
    var given: [String: [SweepAxes.Axis]] = [:]
    for axis in sweep.axes {
      switch SweepPlan.option(axis.name) {
      case .success(let name): given[name, default: []].append(axis)
      case .failure(let reason): problem("sweep." + axis.name, reason.text)
      }
    }
    return TrainSettings.settings.sorted { $0.row.name < $1.row.name }.compactMap { setting in
      guard let axes = given[setting.row.name] else { return nil }
      if axes.count > 1 {
        let keys = Spelling.alternatives(axes.map { "train.sweep." + $0.name }, "and")
        problem("sweep." + setting.row.name, "is given more than once, as \(keys).")
      }
      return (setting, values(of: axes[0], setting))
    }
  }

  /// Why an option cannot be swept.
  private struct Reason: Error {
    let text: String
  }

  /// The newest name of an option, by any name and in any group that the section takes it in.
  private static func option(_ key: String) -> Result<String, Reason> {
    func refusal(_ text: String) -> Result<String, Reason> { .failure(Reason(text: text)) }
    let train = TrainSettings.sectionName
    var key = key[...]
    // The k of SAELens 4 and 5.
    let isOldK = key == "activation_fn_kwargs.k" || key.hasSuffix(".activation_fn_kwargs.k")
    if isOldK { return .success("k") }
    while let dot = key.firstIndex(of: ".") {
      let group = String(key[..<dot])
      guard let owner = TrainSettings.nested[group] else {
        return refusal("is unknown; \(group) is no group of options.")
      }
      if owner != train { return refusal("cannot be swept.") }
      key = key[key.index(after: dot)...]
    }
    let name = String(key)
    let rows = TrainSettings.settings.map(\.row)
    if let row = rows.first(where: { $0.name == name || $0.aliases.contains(name) }) {
      if isSwept(row) { return .success(row.name) }
      let advice = name == "activation_fn_kwargs" ? "; sweep k." : "."
      return refusal("cannot be swept\(advice)")
    }
    if let table = Gathering.table(train), table.inert(name) != nil {
      return refusal("cannot be swept.")
    }
    let owners = Pipeline.tables.filter { $0.row(name) != nil }
    if !owners.isEmpty {
      let places = owners.map { $0.name.isEmpty ? "the top of the file" : $0.name }
      return refusal(
        "belongs to \(Spelling.alternatives(places)); only options of train can be swept.")
    }
    let known = rows.filter(isSwept).flatMap { [$0.name] + $0.aliases }
    let nearest = Spelling.nearest(name, in: known)
    return refusal(nearest.map { "is unknown; did you mean \($0)?" } ?? "is unknown.")
  }

  /// Options that change the SAE, and hook points, which stand for other caches.
  private static func isSwept(_ row: SettingRow) -> Bool {
    row.effect != .none
  }

  /// The values of an axis as the setting reads them.
  private mutating func values(
    of axis: SweepAxes.Axis, _ setting: Setting<TrainSettings>
  ) -> [JSON] {
    let name = "sweep." + axis.name
    var values: [JSON] = []
    for given in axis.values.prefix(SweepPlan.limit + 1) {
      var settings = TrainSettings()
      switch setting.write(given, &settings) {
      case .refused, .faulty:
        let advice = given.string.flatMap { Spelling.nearest($0, in: setting.row.choices) }
          .map { "; did you mean \($0)?" }
        problem(
          name,
          "takes \(setting.row.expected), but lists \(Gathering.shown(given))\(advice ?? ".")")
        continue
      case .noted(let about):
        notes.append(
          Remark(
            section: TrainSettings.sectionName, name: name, text: about.text,
            weight: about.weight))
      case .accepted: break
      }
      let value = setting.read(settings)
      if values.contains(value) { problem(name, "lists \(Gathering.shown(value)) twice.") }
      values.append(value)
    }
    return values
  }
}

// MARK: - Combinations

extension SweepPlan {
  private static func combinations(_ axes: [Axis], of pipeline: Pipeline) -> [Combination] {
    var start = pipeline
    start.train.sweep = SweepAxes()
    start.train.sweepMode = .separate
    start.train.stated.subtract(["sweep", "sweep_mode"])
    let none = [Combination(choices: [], pipeline: start)]
    return axes.reduce(none) { combinations, axis in
      combinations.flatMap { combination in
        axis.values.map { value in
          var pipeline = combination.pipeline
          _ = axis.setting.write(value, &pipeline.train)
          pipeline.train.stated.insert(axis.setting.row.name)
          let choice = Combination.Choice(name: axis.setting.row.name, value: value)
          return Combination(choices: combination.choices + [choice], pipeline: pipeline)
        }
      }
    }
  }

  /// Looks at every combination; what is wrong with all of them is said of the file.
  private mutating func check(_ running: String?, _ refused: Set<String>) {
    var found: [(remark: Remark, first: Combination, count: Int)] = []
    for combination in combinations {
      for remark in combination.pipeline.complaints(running: running, leavingOut: refused) {
        if let index = found.firstIndex(where: { $0.remark == remark }) {
          found[index].count += 1
        } else {
          found.append((remark, combination, 1))
        }
      }
    }
    problems += found.filter { $0.count == combinations.count }.map(\.remark)
    let particular = found.filter { $0.count < combinations.count }
    for (remark, first, count) in particular.prefix(SweepPlan.complaintLimit) {
      let name = remark.section == TrainSettings.sectionName ? remark.name : remark.key
      let others = count == 1 ? "" : " (and \(count - 1) more)"
      let values = Spelling.alternatives(first.words, "and")
      problem("sweep", "with \(values)\(others): \(name) \(remark.text)")
    }
    let unnamed = particular.count - SweepPlan.complaintLimit
    if unnamed > 0 { problem("sweep", "has \(unnamed) more problems of this kind.") }
  }
}
