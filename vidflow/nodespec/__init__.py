"""How a node is declared, found and described. Importing this loads neither numpy, torch nor Qt."""
