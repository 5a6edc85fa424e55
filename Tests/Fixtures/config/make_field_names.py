"""Writes saelens-6.54-fields.txt: the options of SAELens's configurations, read from its sources.

Versions: sae-lens 6.54.12, Python 3.11. Run: python make_field_names.py FOLDER_OF_SAE_LENS
"""

import ast
import pathlib
import sys

package = pathlib.Path(sys.argv[1])
names = set()
for path in [package / "config.py", *sorted((package / "saes").glob("*.py"))]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ClassDef) or not node.name.endswith("Config"):
            continue
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                names.add(field.target.id)
            # The architecture and the coefficients of losses are methods and defaults of subclasses.
            if isinstance(field, ast.FunctionDef) and field.name == "architecture":
                names.add("architecture")
for name in ["hook_name_out"]:  # a member of SAEMetadata
    if name in (package / "loading/pretrained_sae_loaders.py").read_text():
        names.add(name)
(pathlib.Path(__file__).parent / "saelens-6.54-fields.txt").write_text("\n".join(sorted(names)) + "\n")
