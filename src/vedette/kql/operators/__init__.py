"""One file per tabular operator: its syntax node, its parser, and how it is bound."""
