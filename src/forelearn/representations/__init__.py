"""What stands for a task or a pair of tasks: TextEmb, conductance, ANSAT."""
