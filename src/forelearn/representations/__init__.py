"""What stands for a task, its rows, or a pair of tasks: features, TextEmb, TaskEmb, grademb, conductance, ANSAT."""
