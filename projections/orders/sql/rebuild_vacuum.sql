vacuum (analyze) orders_v1_rebuilt
