// Where a layer's experts are in a model's files.

extension WeightPlan {
  mutating func planExperts(_ experts: Experts, _ prefix: String) -> ExpertPlaces {
    let router = planRouter(experts, prefix)
    let places = (0..<experts.count).map { number -> ExpertPlace in
      switch experts.tensors {
      case .perExpert(let own, let gate, let input, let output, let joined):
        perExpert(
          experts, number, prefix + own + ".\(number).", [gate, input, output],
          joined: joined.map { prefix + $0 })
      case .joinedInputMajor(let joined):
        joinedExpert(experts, number, prefix + joined, isPacked: false)
      case .joinedPacked(let joined):
        joinedExpert(experts, number, prefix + joined, isPacked: true)
      }
    }
    var planned = ExpertPlaces(router: router, experts: places)
    if let shared = experts.shared {
      let width = description.width
      planned.shared = ExpertPlace(
        input: projection(
          ["gate_proj", "up_proj"].map { (prefix + shared.module + "." + $0, shared.width) },
          inputs: width, hasBias: names.biases.mlp),
        output: projection(
          [(prefix + shared.module + ".down_proj", width)], inputs: shared.width,
          hasBias: names.biases.mlp))
      planned.sharedScore = shared.score.map {
        projection([(prefix + $0, 1)], inputs: width, hasBias: false)
      }
    }
    if case .grouped(let routing) = experts.routing, case .sigmoid(let bias) = routing.scoring {
      planned.choiceBias = reserve(experts.count)
      vector(full(prefix + bias), [experts.count], at: planned.choiceBias.lowerBound)
    }
    return planned
  }

  private mutating func planRouter(_ experts: Experts, _ prefix: String) -> Projection {
    let names = [experts.storedRouter, experts.router].compactMap { $0 }.map { prefix + $0 }
    let (inputs, count) = (description.width, experts.count)
    let source = TensorRequest.Source(
      names: names.flatMap(weightNames), shape: [count, inputs])
    let number = matrix([source], elements: count * inputs)
    let bias = reserve(experts.routerHasBias ? count : 0)
    if !bias.isEmpty { vector(names.flatMap(biasNames), [count], at: bias.lowerBound) }
    return Projection(
      inputs: inputs, outputs: count, order: .outputMajor,
      stretches: [Projection.Stretch(outputs: 0..<count, matrix: number, source: 0)], bias: bias)
  }

  /// A tensor per matrix, or a row of one that holds all experts'.
  private mutating func perExpert(
    _ experts: Experts, _ number: Int, _ own: String, _ tensors: [String], joined: [String]
  ) -> ExpertPlace {
    let (width, inner) = (description.width, experts.width)
    func sources(
      _ name: String, _ shape: [Int], in whole: String, _ wholeShape: [Int], base: Int
    ) -> [TensorRequest.Source] {
      [
        TensorRequest.Source(names: weightNames(own + name), shape: shape),
        TensorRequest.Source(
          names: joined.flatMap { full($0 + "." + whole) }, shape: wholeShape, base: base),
      ]
    }
    let both = [experts.count, 2 * inner, width]
    let halves = (0..<2).map { half in
      matrix(
        sources(
          tensors[half], [inner, width], in: "gate_up_proj", both,
          base: (2 * number + half) * inner * width), elements: inner * width)
    }
    let down = matrix(
      sources(
        tensors[2], [width, inner], in: "down_proj", [experts.count, width, inner],
        base: number * width * inner), elements: width * inner)
    return ExpertPlace(
      input: Projection(
        inputs: width, outputs: 2 * inner, order: .outputMajor,
        stretches: halves.enumerated().map { half, matrix in
          Projection.Stretch(
            outputs: half * inner..<(half + 1) * inner, matrix: matrix, source: 0)
        }, bias: 0..<0),
      output: Projection(
        inputs: inner, outputs: width, order: .outputMajor,
        stretches: [Projection.Stretch(outputs: 0..<width, matrix: down, source: 0)],
        bias: 0..<0))
  }

  /// A row of tensors `[E, inputs, outputs]`, or of packed ones `[E, outputs, inputs]`, with biases
  /// `[E, outputs]`.
  private mutating func joinedExpert(
    _ experts: Experts, _ number: Int, _ prefix: String, isPacked: Bool
  ) -> ExpertPlace {
    func part(_ name: String, inputs: Int, outputs: Int) -> Projection {
      let base = number * inputs * outputs
      let source =
        isPacked
        ? TensorRequest.Source(
          names: full(prefix + "." + name + "_blocks"),
          shape: [
            experts.count, outputs, inputs / Microscaling.blockSize, Microscaling.blockBytes,
          ], base: base, scales: full(prefix + "." + name + "_scales"))
        : TensorRequest.Source(
          names: full(prefix + "." + name), shape: [experts.count, inputs, outputs], base: base)
      let matrix = matrix([source], elements: inputs * outputs)
      let bias = reserve(outputs)
      vector(
        full(prefix + "." + name + "_bias"), [experts.count, outputs],
        [TensorRequest.Piece(source: number * outputs, count: outputs, target: bias.lowerBound)])
      return Projection(
        inputs: inputs, outputs: outputs, order: isPacked ? .outputMajor : .inputMajor,
        stretches: [Projection.Stretch(outputs: 0..<outputs, matrix: matrix, source: 0)],
        bias: bias)
    }
    return ExpertPlace(
      input: part("gate_up_proj", inputs: description.width, outputs: 2 * experts.width),
      output: part("down_proj", inputs: experts.width, outputs: description.width))
  }
}
