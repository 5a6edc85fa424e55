// A value that may be another one for each stage. Comes in: the value itself, or an object of values by
// stage. Leaves: the value of a stage.

/// A setting with one value for all stages, or with one for each.
package struct StageValues<Value: SettingValue>: Sendable, Equatable {
  /// The sections of the stages, in their order.
  package static var stages: [String] {
    [PretokenizeSettings.sectionName, CacheSettings.sectionName, TrainSettings.sectionName]
  }

  private var common: Value?
  private var own: [String: Value] = [:]

  package init() {}

  /// The value of a stage, by the name of its section; nil where none is given.
  package subscript(stage: String) -> Value? { own[stage] ?? common }

  /// Every value that is given, with the stage that it is given for.
  var given: [(stage: String?, value: Value)] {
    (common.map { [(nil, $0)] } ?? [])
      + own.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

extension StageValues: SettingValue {
  package static var alternatives: [String] {
    Value.alternatives + ["an object of those by stage"]
  }
  package static var isOptional: Bool { true }

  package init?(setting: JSON) {
    self.init()
    if setting == .null { return }
    guard let members = setting.object else {
      guard let value = Value(setting: setting) else { return nil }
      common = value
      return
    }
    for (stage, member) in members where member != .null {
      guard let value = Value(setting: member) else { return nil }
      own[stage] = value
    }
  }

  package var json: JSON {
    if let common { return common.json }
    return own.isEmpty ? .null : .object(own.mapValues(\.json))
  }

  package static func faults(in given: JSON) -> [Complaint] {
    (given.object ?? [:]).sorted { $0.key < $1.key }.compactMap { stage, value in
      guard stages.contains(stage) else {
        let nearest = Spelling.nearest(JSON.clipped(stage), in: stages)
        return Complaint(
          JSON.clipped(stage),
          "is no stage" + (nearest.map { "; did you mean \($0)?" } ?? "."))
      }
      guard value != .null, Value(setting: value) == nil else { return nil }
      return Complaint(
        stage,
        "must be \(Spelling.alternatives(Value.alternatives)), but is \(Gathering.shown(value)).")
    }
  }
}
