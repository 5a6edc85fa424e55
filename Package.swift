// swift-tools-version: 6.2
import PackageDescription

/// The compiler settings of every target, each with its reason.
///
/// `SAELINE_MARCH` raises the x86-64 level from `x86-64-v3` to `x86-64-v4` or `native`.
#if arch(x86_64)
  // Without FMA and F16C in the target, Swift's fused multiply-adds and Float16 conversions become
  // library calls (30 to 60 times slower); errno in libm keeps square roots from vectorising.
  let machine = Context.environment["SAELINE_MARCH"] ?? "x86-64-v3"
  let codeGeneration: [SwiftSetting] = [
    .unsafeFlags(["-Xcc", "-march=\(machine)", "-Xcc", "-fno-math-errno"])
  ]
#else
  let codeGeneration: [SwiftSetting] = []
#endif

let settings: [SwiftSetting] =
  [
    .strictMemorySafety(),  // every unsafe line says so
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),  // owners lend spans
  ] + codeGeneration

// Optimising the tests takes longer than running them as they are; what they test stays optimised.
let testSettings = settings + [.unsafeFlags(["-Onone"])]

// The programs that `make build` links carry Swift's runtime with them. Only the linker is told, so that they
// share objects with the tests, which load the toolchain's, as its testing library does.
let runtime = [
  "-lFoundationInternationalization", "-lCoreFoundation", "-l_FoundationICU",
  "-l_FoundationCShims", "-l_FoundationCollections",
]
let linking: [LinkerSetting] =
  Context.environment["SAELINE_LINK"] == "static"
  ? [.unsafeFlags(["-static-stdlib", "-use-ld=lld"] + runtime)] : []

// The local servers as programs, and the worker of the simulation of many, are for scripts and tests only: the build
// of the three programs leaves them out.
let localPrograms: [Target] =
  Context.environment["SAELINE_LINK"] == "static"
  ? []
  : [
    .executableTarget(
      name: "LocalHubServer", dependencies: ["Shared", "Support"], path: "Tests/LocalHubServer",
      swiftSettings: settings),
    .executableTarget(
      name: "LocalWandbServer", dependencies: ["Shared", "Support"], path: "Tests/LocalWandbServer",
      swiftSettings: settings),
    .executableTarget(
      name: "ScaleWorker", dependencies: ["Shared"], path: "Tests/ScaleWorker",
      swiftSettings: settings),
  ]

let package = Package(
  name: "saeline",
  products: [
    .executable(name: "saeline-pretokenize", targets: ["Pretokenizer"]),
    .executable(name: "saeline-cache", targets: ["ActivationCacher"]),
    .executable(name: "saeline-train", targets: ["Trainer"]),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", path: "Sources/Shared/C/OpenBLAS"),
    .systemLibrary(name: "CZstd", path: "Sources/Shared/C/Zstd"),
    .systemLibrary(name: "COpenSSL", path: "Sources/Shared/C/OpenSSL"),
    .systemLibrary(name: "CCurl", path: "Sources/Shared/C/Curl"),
    .systemLibrary(name: "CZlib", path: "Sources/Shared/C/Zlib"),
    .systemLibrary(name: "CSnappy", path: "Sources/Shared/C/Snappy"),
    // Intrinsics of several processors in one library: the function that runs is chosen by CPUID.
    .target(
      name: "CProducts", path: "Sources/Shared/C/Products", publicHeadersPath: "."),
    .target(
      name: "Shared", dependencies: ["COpenBLAS", "CProducts", "CZstd", "COpenSSL", "CCurl"],
      exclude: ["C"],
      swiftSettings: settings),
    .executableTarget(
      name: "Pretokenizer", dependencies: ["Shared", "CZlib", "CSnappy"], swiftSettings: settings,
      linkerSettings: linking),
    .executableTarget(
      name: "ActivationCacher", dependencies: ["Shared"], swiftSettings: settings,
      linkerSettings: linking),
    .executableTarget(
      name: "Trainer", dependencies: ["Shared"], swiftSettings: settings, linkerSettings: linking),
    .target(
      name: "Support", dependencies: ["Shared"], path: "Tests/Support", swiftSettings: settings),
    .testTarget(
      name: "SharedTests", dependencies: ["Shared", "Support"], swiftSettings: testSettings),
    .testTarget(
      name: "PretokenizerTests", dependencies: ["Pretokenizer", "Support"],
      swiftSettings: testSettings),
    .testTarget(
      name: "ActivationCacherTests", dependencies: ["ActivationCacher", "Support"],
      swiftSettings: testSettings),
    .testTarget(
      name: "TrainerTests", dependencies: ["Trainer", "Support"], swiftSettings: testSettings),
    .testTarget(
      name: "PipelineTests", dependencies: ["Shared", "Support"], swiftSettings: testSettings),
  ] + localPrograms
)
