"""The canvas: NodeGraphQt's viewer and items, subclassed as views of the document."""
