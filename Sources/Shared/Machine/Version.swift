/// The product as it names itself in manifests, headers and `--version`.
package enum Product {
  package static let name = "saeline"
  package static let version = "0.1.0"
}
