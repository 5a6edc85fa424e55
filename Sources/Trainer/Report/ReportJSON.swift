// `report.json`, the one file that the page about a run is made of:
//
//     format_version   1
//     name             of the run
//     sae, settings    cfg.json and runner_cfg.json as they are
//     evaluation       evaluation.json as it is, but for active_rows, which latents has as fires
//     curves           {figure: {"step": [...], "value": [...]}}, thinned to 3000 points each
//     timing           {"tokens", "seconds"} of the process that finished the run, or null
//     origin           {"tokens", "entries": [[name, value], ...]}, or null
//     files            [[name, bytes], ...]
//     links            [[text, address], ...]
//     latents          as LatentReport says, or null

package import Shared

extension Report {
  private static let version = 1

  package var json: JSON {
    var evaluation = evaluation.json.object ?? [:]
    if latents != nil { evaluation["active_rows"] = nil }
    return [
      "format_version": .integer(Report.version), "name": .string(name), "sae": sae,
      "settings": settings, "evaluation": .object(evaluation), "curves": Report.json(curves),
      "timing": timing.map {
        ["tokens": .integer($0.tokens), "seconds": .number($0.seconds)]
      } ?? .null,
      "origin": origin?.json ?? .null,
      "files": .array(files.map { .array([.string($0.name), .integer($0.byteCount)]) }),
      "links": .array(links.map { .array([.string($0.text), .string($0.address)]) }),
      "latents": latents ?? .null,
    ]
  }

  private static func json(_ curves: [Curve]) -> JSON {
    let members = curves.map { curve -> (String, JSON) in
      (
        curve.figure.name,
        [
          "step": .array(curve.points.map { .number($0.x) }),
          "value": .array(curve.points.map { .number($0.y) }),
        ]
      )
    }
    return .object(Dictionary(members) { first, _ in first })
  }

  /// Reads a report; nil where this is none, or one of another version.
  package init?(_ json: JSON) {
    guard json["format_version"]?.integer == Report.version, let name = json["name"]?.string,
      let sae = json["sae"], let settings = json["settings"],
      var evaluated = json["evaluation"]?.object
    else { return nil }
    let latents = json["latents"].flatMap { $0.object == nil ? nil : $0 }
    if let fires = latents?["fires"] { evaluated["active_rows"] = fires }
    guard let evaluation = Evaluation(.object(evaluated)) else { return nil }
    var timing: Timing?
    if let tokens = json["timing"]?["tokens"]?.integer,
      let seconds = json["timing"]?["seconds"]?.double
    {
      timing = Timing(tokens: tokens, seconds: seconds)
    }
    self.init(
      name: name, sae: sae, settings: settings, curves: Report.curves(json["curves"]),
      evaluation: evaluation,
      files: Report.pairs(json["files"]).compactMap { first, second in
        second.integer.map { (first, $0) }
      }, timing: timing, origin: ReportOrigin(json["origin"]), latents: latents,
      links: Report.pairs(json["links"]).compactMap { first, second in
        second.string.map { Page.Link(first, to: $0) }
      })
  }

  private static func pairs(_ json: JSON?) -> [(String, JSON)] {
    (json?.array ?? []).compactMap { pair in
      guard let both = pair.array, both.count == 2, let first = both[0].string else { return nil }
      return (first, both[1])
    }
  }

  private static func curves(_ json: JSON?) -> [Curve] {
    // Figures puts them in the order of their declaration.
    var known = Figures()
    for name in json?.object.map({ Array($0.keys) }) ?? [] { known[Figure.named(name)] = 0 }
    return known.map(\.figure).map { figure in
      let steps = json?[figure.name]?["step"]?.array?.map { $0.double ?? .nan } ?? []
      let values = json?[figure.name]?["value"]?.array?.map { $0.double ?? .nan } ?? []
      let points = zip(steps, values).map { ChartPoint($0, $1) }
      return Curve(figure: figure, points: ChartSeries(figure.name, points).points)
    }
  }
}
