"""What is shipped with vidflow: clips, pictures, sound and the schema of a graph file. Found by `vidflow.places`."""
